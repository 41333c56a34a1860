#![expect(clippy::unwrap_used, reason = "tests")]

use domain::value_objects::RequestDigest;
use store_codec::PreparedSet;
use store_contract::samples::{idempotency_key, work_of};

use super::*;

fn set() -> Request {
    let (answer, _) = oneshot::channel();
    let set = PreparedSet::new(&work_of(5), usize::MAX);
    Request::Set(PendingSet { set, answer, span: Span::none() })
}

fn claim() -> Request {
    let digest = RequestDigest::from_bytes([0; 32]);
    let (tenant, key) = (TenantId::default(), idempotency_key("key"));
    let claim = NewClaim { tenant, key, digest, lease: Duration::ZERO };
    Request::key_change(KeyChange::Claim(claim, oneshot::channel().0))
}

fn job() -> Request {
    Request::Job(Box::new(TruncateLog { answer: oneshot::channel().0 }))
}

/// The numbers of requests that are served together, in their order.
async fn served(requests: impl IntoIterator<Item = Request>, limits: GroupLimits) -> Vec<(char, usize)> {
    let queue = Arc::new(Queue::new());
    let places: Vec<_> = requests.into_iter().map(|request| queue.enter(request).unwrap()).collect();
    queue.close();
    let mut served = Vec::new();
    while let Some(request) = queue.take().await {
        served.push(match request {
            Request::Set(first) => ('s', gather(first, &queue, limits).len()),
            Request::KeyChange(first) => ('k', gather_key_changes(first, &queue).len()),
            Request::Job(_) => ('j', 1),
        });
    }
    drop(places);
    served
}

#[tokio::test]
async fn claims_do_not_separate_the_sets_that_wait_nor_sets_the_claims() {
    let limits = GroupLimits { sets: 3, rows: 100 };
    let requests = [set(), claim(), set(), claim(), job(), set(), claim(), set()];
    assert_eq!(served(requests, limits).await, [('s', 2), ('k', 2), ('j', 1), ('s', 2), ('k', 1)]);
    let many = (0..8).map(|number| if number % 2 == 0 { claim() } else { set() });
    assert_eq!(served(many, limits).await, [('k', 4), ('s', 3), ('s', 1)]);
    let claims = (0..=MOST_KEY_CHANGES).map(|_| claim());
    assert_eq!(served(claims, limits).await, [('k', MOST_KEY_CHANGES), ('k', 1)]);
    let full = GroupLimits { rows: 1, ..limits };
    assert_eq!(served([set(), set()], full).await, [('s', 1), ('s', 1)]);
}
