//! Rates, concurrent requests and the quota of the day.

use std::num::{NonZeroU32, NonZeroU64};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use application::ports::LimitPolicy::{Concurrent, Requests, Texts, TextsPerDay};
use application::ports::{
    ConcurrencyStanding, LimitError, LimitPolicy, OwnLimits, Principal, QuotaStanding, RateStanding,
    UsageLimiter,
};
use domain::value_objects::{Limits, Rate, TenantId};
use futures_util::FutureExt;
use infra_local::LocalUsageLimiter;
use tokio::time::{Instant, advance};

mod quota;
mod streams;

const SECOND: Duration = Duration::from_secs(1);

fn rate(per_second: u32, burst: u32) -> Rate {
    Rate::try_new("limits.texts", per_second, burst).unwrap()
}

fn texts(per_second: u32, burst: u32) -> Limits {
    Limits { texts: Some(rate(per_second, burst)), ..Limits::default() }
}

fn requests(per_second: u32, burst: u32) -> Limits {
    Limits { requests: Some(rate(per_second, burst)), ..Limits::default() }
}

fn concurrent(max: u32) -> Limits {
    Limits { concurrent: NonZeroU32::new(max), ..Limits::default() }
}

fn of_tenant(name: &str, limits: Limits) -> Principal {
    Principal { tenant: TenantId::parse(name).unwrap(), limits, own: None }
}

/// A key of the tenant `default`.
fn of_key(id: &str, tenant: Limits, own: Limits) -> Principal {
    let own = Some(OwnLimits { id: format!("key:{id}"), limits: own });
    Principal { tenant: TenantId::default(), limits: tenant, own }
}

fn exceeded(policy: LimitPolicy, retry_after: Duration) -> Result<(), LimitError> {
    Err(LimitError::Exceeded { policy, retry_after })
}

async fn take(limiter: &LocalUsageLimiter, principal: &Principal, count: u32) -> Result<(), LimitError> {
    limiter.take_texts(principal, NonZeroU32::new(count).unwrap()).await
}

async fn begin(limiter: &LocalUsageLimiter, principal: &Principal) -> Result<(), LimitError> {
    limiter.begin_request(principal).await.map(drop)
}

/// How many are allowed in 60 s if `attempt` is called until it fails, every 10 ms.
async fn allowed_in_a_minute<F>(attempt: impl Fn() -> F) -> u32
where
    F: Future<Output = Result<(), LimitError>>,
{
    let mut allowed = 0;
    for step in 0..=6_000 {
        while attempt().await.is_ok() {
            allowed += 1;
        }
        if step < 6_000 {
            advance(Duration::from_millis(10)).await;
        }
    }
    allowed
}

#[tokio::test(start_paused = true)]
async fn a_rate_allows_its_product_with_the_time_and_the_burst() {
    for (per_second, burst) in [(1, 1), (7, 7), (10, 1), (50, 100), (300, 30)] {
        let limiter = LocalUsageLimiter::new();
        let principal = of_tenant("default", texts(per_second, burst));
        let allowed = allowed_in_a_minute(|| take(&limiter, &principal, 1)).await;
        assert_eq!(allowed, per_second * 60 + burst, "{per_second} texts in a second");

        let principal = of_tenant("other", requests(per_second, burst));
        let allowed = allowed_in_a_minute(|| begin(&limiter, &principal)).await;
        assert_eq!(allowed, per_second * 60 + burst, "{per_second} requests in a second");
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_takes_all_its_texts_or_none() {
    for (per_second, burst, size) in [(10, 20, 7), (100, 1_000, 1_000), (5, 5, 5)] {
        let limiter = LocalUsageLimiter::new();
        let principal = of_key("one", Limits::default(), texts(per_second, burst));
        let allowed = allowed_in_a_minute(|| take(&limiter, &principal, size)).await;
        assert_eq!(allowed, (per_second * 60 + burst) / size, "batches of {size}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_says_when_it_would_be_allowed() {
    let limiter = LocalUsageLimiter::new();
    let principal = of_tenant("default", Limits { requests: Some(rate(2, 1)), ..texts(10, 20) });
    assert_eq!(take(&limiter, &principal, 21).await, Err(LimitError::TooManyAtOnce { max: 20 }));
    assert_eq!(take(&limiter, &principal, 15).await, Ok(()));
    assert_eq!(take(&limiter, &principal, 15).await, exceeded(Texts, SECOND));
    advance(Duration::from_nanos(999_999_999)).await;
    assert_eq!(take(&limiter, &principal, 15).await, exceeded(Texts, Duration::from_nanos(1)));
    advance(Duration::from_nanos(1)).await;
    assert_eq!(take(&limiter, &principal, 15).await, Ok(()));
    assert_eq!(begin(&limiter, &principal).await, Ok(()));
    assert_eq!(begin(&limiter, &principal).await, exceeded(Requests, SECOND / 2));
}

#[tokio::test(start_paused = true)]
async fn what_the_caller_or_the_tenant_refuses_is_counted_for_neither() {
    let limiter = LocalUsageLimiter::new();
    let first = of_key("first", texts(1, 10), texts(2, 4));
    let second = of_key("second", texts(1, 10), texts(1, 8));
    assert_eq!(take(&limiter, &first, 3).await, Ok(()));
    assert_eq!(take(&limiter, &first, 3).await, exceeded(Texts, SECOND), "by the key");
    assert_eq!(take(&limiter, &second, 7).await, Ok(()), "the tenant has counted 3");
    assert_eq!(take(&limiter, &first, 1).await, exceeded(Texts, SECOND), "by the tenant");
    assert_eq!(take(&limiter, &first, 5).await, Err(LimitError::TooManyAtOnce { max: 4 }));
    let remaining = |principal: &Principal| {
        let standing = limiter.standing(principal);
        let own = standing.own.unwrap();
        [standing.tenant, own].map(|limits| limits.texts.unwrap().remaining)
    };
    assert_eq!(remaining(&first), [0, 1]);
    assert_eq!(remaining(&second), [0, 1]);
    advance(SECOND).await;
    assert_eq!(remaining(&first), [1, 3]);
    assert_eq!(take(&limiter, &first, 1).await, Ok(()));
    assert_eq!(remaining(&first), [0, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_counts_neither_for_the_rate_nor_as_concurrent() {
    let limiter = LocalUsageLimiter::new();
    let principal = of_key("one", requests(1, 3), concurrent(1));
    let permit = limiter.begin_request(&principal).await.unwrap();
    assert_eq!(begin(&limiter, &principal).await, exceeded(Concurrent, SECOND));
    drop(permit);
    assert_eq!(begin(&limiter, &principal).await, Ok(()));
    assert_eq!(begin(&limiter, &principal).await, Ok(()));
    assert_eq!(begin(&limiter, &principal).await, exceeded(Requests, SECOND));
    let standing = limiter.standing(&principal);
    assert_eq!(standing.own.unwrap().concurrent, Some(ConcurrencyStanding { max: 1, in_use: 0 }));
}

#[tokio::test(start_paused = true)]
async fn tenants_and_keys_are_counted_apart() {
    let limiter = LocalUsageLimiter::new();
    for principal in [
        of_tenant("default", texts(1, 1)),
        of_tenant("other", texts(1, 1)),
        of_key("first", Limits::default(), texts(1, 1)),
        of_key("second", Limits::default(), texts(1, 1)),
    ] {
        assert_eq!(take(&limiter, &principal, 1).await, Ok(()));
        let again = take(&limiter, &principal, 1).await;
        // The tenant `default` has no limit for its keys here.
        assert_eq!(again, exceeded(Texts, SECOND), "{principal:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_rate_applies_at_once_and_gives_nothing_back() {
    let limiter = LocalUsageLimiter::new();
    let [slow, fast] = [texts(1, 10), texts(100, 20)].map(|limits| of_tenant("default", limits));
    assert_eq!(take(&limiter, &slow, 5).await, Ok(()));
    assert_eq!(take(&limiter, &fast, 11).await, exceeded(Texts, SECOND / 100));
    assert_eq!(take(&limiter, &fast, 10).await, Ok(()), "half of the burst was used");
    for _ in 0..10 {
        for principal in [&slow, &fast] {
            assert!(take(&limiter, principal, 1).await.is_err());
        }
    }
    advance(SECOND / 100).await;
    assert_eq!(take(&limiter, &fast, 1).await, Ok(()));
    let unlimited = of_tenant("default", Limits::default());
    assert_eq!(take(&limiter, &unlimited, 1_000_000).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_call_with_limits_from_before_a_rate_was_set_leaves_what_is_used_of_it() {
    let limiter = LocalUsageLimiter::new();
    let rates = Limits { requests: Some(rate(1, 2)), ..texts(1, 10) };
    let (old, new) = (of_tenant("default", concurrent(9)), of_tenant("default", rates));
    assert_eq!(take(&limiter, &new, 10).await, Ok(()));
    assert_eq!((begin(&limiter, &new).await, begin(&limiter, &new).await), (Ok(()), Ok(())));
    assert_eq!((take(&limiter, &old, 1_000).await, begin(&limiter, &old).await), (Ok(()), Ok(())));
    assert_eq!(limiter.wait_for_text(&old).await, Ok(()));
    let standing = limiter.standing(&old).tenant;
    assert_eq!((standing.requests, standing.texts), (None, None));
    assert_eq!(take(&limiter, &new, 1).await, exceeded(Texts, SECOND));
    assert_eq!(begin(&limiter, &new).await, exceeded(Requests, SECOND));
}

#[tokio::test(start_paused = true)]
async fn the_standing_of_a_principal_is_what_is_left() {
    let limiter = LocalUsageLimiter::new();
    let own = Limits { requests: Some(rate(1, 2)), ..concurrent(3) };
    let principal = of_key("one", texts(10, 20), own);
    let texts_standing = |remaining, full_in| Some(RateStanding { rate: rate(10, 20), remaining, full_in });
    assert_eq!(limiter.standing(&principal).tenant.texts, texts_standing(20, Duration::ZERO));
    let _permit = limiter.begin_request(&principal).await.unwrap();
    take(&limiter, &principal, 5).await.unwrap();
    advance(Duration::from_millis(150)).await;
    let standing = limiter.standing(&principal);
    assert_eq!(standing.tenant.texts, texts_standing(16, Duration::from_millis(350)));
    assert_eq!((standing.tenant.requests, standing.tenant.concurrent), (None, None));
    let own = standing.own.unwrap();
    let full_in = Duration::from_millis(850);
    assert_eq!(own.requests, Some(RateStanding { rate: rate(1, 2), remaining: 1, full_in }));
    assert_eq!(own.concurrent, Some(ConcurrencyStanding { max: 3, in_use: 1 }));
    assert_eq!((own.texts, own.texts_today), (None, None));
}

#[test]
fn concurrent_requests_are_counted_exactly_by_many_threads() {
    const MAX: u32 = 5;
    let limiter = LocalUsageLimiter::new();
    let keys = ["first", "second"].map(|key| of_key(key, concurrent(MAX), concurrent(3)));
    let (in_progress, allowed) = (AtomicU32::new(0), AtomicU32::new(0));
    thread::scope(|scope| {
        for number in 0..8 {
            let (limiter, principal) = (&limiter, &keys[number % 2]);
            let (in_progress, allowed) = (&in_progress, &allowed);
            scope.spawn(move || {
                for _ in 0..2_000 {
                    let Ok(permit) = limiter.begin_request(principal).now_or_never().unwrap() else {
                        continue;
                    };
                    assert!(in_progress.fetch_add(1, Ordering::SeqCst) < MAX);
                    allowed.fetch_add(1, Ordering::SeqCst);
                    thread::yield_now();
                    in_progress.fetch_sub(1, Ordering::SeqCst);
                    drop(permit);
                }
            });
        }
    });
    assert!(allowed.into_inner() >= MAX);
    for principal in &keys {
        let in_use = |limits: &application::ports::LimitsStanding| limits.concurrent.unwrap().in_use;
        let standing = limiter.standing(principal);
        assert_eq!((in_use(&standing.tenant), in_use(&standing.own.unwrap())), (0, 0));
        let begin = || limiter.begin_request(principal).now_or_never().unwrap();
        let permits: Vec<_> = (0..4).map(|_| begin()).collect();
        assert_eq!(permits.iter().filter(|permit| permit.is_ok()).count(), 3, "of the key");
    }
}
