//! Idempotency keys: claimed by one request at a time, answered once.

use std::time::Duration;

use application::ports::{ClaimOutcome, IdempotencyClaim, ItemFailure, StoreError, StoredAnswer, StoredItem};
use domain::value_objects::{IdempotencyKey, PredictionId, RequestDigest, TenantId};

use crate::StoreHarness;
use crate::samples::{Samples, idempotency_key, tenant};
use crate::steps::{assert_conflict, change, find};

/// Longer than any test takes.
const LONG: Duration = Duration::from_mins(30);

fn digest(of: u8) -> RequestDigest {
    RequestDigest::from_bytes([of; 32])
}

async fn claim(store: &impl StoreHarness, key: &str, of: u8, lease: Duration) -> ClaimOutcome {
    claim_for(store, &TenantId::default(), key, of, lease).await
}

async fn claim_for(
    store: &impl StoreHarness,
    tenant: &TenantId,
    key: &str,
    of: u8,
    lease: Duration,
) -> ClaimOutcome {
    let outcome = store.idempotency().claim(tenant, &idempotency_key(key), &digest(of), lease).await;
    outcome.expect("the store works")
}

#[track_caller]
fn claimed(outcome: ClaimOutcome) -> IdempotencyClaim {
    match outcome {
        ClaimOutcome::Claimed(claim) => claim,
        other => panic!("the key is not free: {other:?}"),
    }
}

/// Claims a key, whose lease then ends, as do those of all other keys.
async fn claim_until_the_end(store: &impl StoreHarness, key: &str, of: u8) -> IdempotencyClaim {
    let held = claimed(claim(store, key, of, LONG).await);
    store.age_rows(1).await;
    held
}

async fn release(store: &impl StoreHarness, claim: &IdempotencyClaim) {
    store.idempotency().release(&TenantId::default(), claim).await.expect("the store works");
}

/// Completes `claim` with `answer` alone.
async fn complete(
    store: &impl StoreHarness,
    claim: &IdempotencyClaim,
    answer: &StoredAnswer,
) -> Result<(), StoreError> {
    change(store, &TenantId::default(), |work| work.complete(claim.clone(), answer.clone())).await
}

fn failure(code: &str) -> StoredAnswer {
    let (field, detail) = (Some("text".to_owned()), Some("it's \"too\" long: \u{1F600}".to_owned()));
    StoredAnswer { items: vec![StoredItem::Failure(ItemFailure { code: code.to_owned(), field, detail })] }
}

/// Of two requests with a free key, and of many at the same time, one gets it.
pub async fn one_of_two_requests_claims_a_key(store: &impl StoreHarness) {
    let held = claimed(claim(store, "key 1", 1, LONG).await);
    assert_eq!(held.key, idempotency_key("key 1"));
    assert_eq!(claim(store, "key 1", 1, LONG).await, ClaimOutcome::InProgress);
    for round in 0..6 {
        let key = idempotency_key(&format!("round {round}"));
        if round % 2 == 1 {
            claim_until_the_end(store, key.as_str(), 1).await;
        }
        let claims: Vec<_> = (0..16).map(|_| spawn_claim(store, key.clone())).collect();
        let mut granted = 0;
        for claim in claims {
            match claim.await.expect("nothing panics").expect("the store works") {
                ClaimOutcome::Claimed(_) => granted += 1,
                other => assert_eq!(other, ClaimOutcome::InProgress),
            }
        }
        assert_eq!(granted, 1);
    }
}

fn spawn_claim(
    store: &impl StoreHarness,
    key: IdempotencyKey,
) -> tokio::task::JoinHandle<Result<ClaimOutcome, StoreError>> {
    let keys = store.idempotency();
    tokio::spawn(async move { keys.claim(&TenantId::default(), &key, &digest(1), LONG).await })
}

/// Another request does not get a key, whether the first is being answered, has failed without a word, or is answered.
pub async fn a_key_is_not_given_to_another_request(store: &impl StoreHarness) {
    claimed(claim(store, "in progress", 1, LONG).await);
    assert_eq!(claim(store, "in progress", 2, LONG).await, ClaimOutcome::Reused);
    claim_until_the_end(store, "ended", 1).await;
    assert_eq!(claim(store, "ended", 2, LONG).await, ClaimOutcome::Reused);
    let held = claimed(claim(store, "answered", 1, LONG).await);
    complete(store, &held, &failure("too_long")).await.expect("the claim is completed");
    assert_eq!(claim(store, "answered", 2, LONG).await, ClaimOutcome::Reused);
}

/// A lease that has ended frees the key for the same request, under a higher fence each time.
pub async fn a_key_is_claimed_again_after_its_lease(store: &impl StoreHarness) {
    let mut last = 0;
    for _ in 0..5 {
        let held = claim_until_the_end(store, "key", 1).await;
        assert!(held.fence > last, "{} after {last}", held.fence);
        last = held.fence;
    }
    assert!(claimed(claim(store, "key", 1, LONG).await).fence > last);
    assert_eq!(claim(store, "key", 1, LONG).await, ClaimOutcome::InProgress);
}

/// A released key is free for any request; releasing what is lost or answered changes nothing.
pub async fn a_released_key_is_free_for_any_request(store: &impl StoreHarness) {
    for of in 1..5 {
        let held = claimed(claim(store, "key", of, LONG).await);
        release(store, &held).await;
        release(store, &held).await;
    }
    let lost = claim_until_the_end(store, "key", 5).await;
    let held = claimed(claim(store, "key", 5, LONG).await);
    release(store, &lost).await;
    assert_eq!(claim(store, "key", 5, LONG).await, ClaimOutcome::InProgress);
    complete(store, &held, &failure("blank")).await.expect("the claim is completed");
    release(store, &held).await;
    assert_eq!(claim(store, "key", 5, LONG).await, ClaimOutcome::Answered(failure("blank")));
}

/// The unit of work of an earlier claim, of a released one, or of one that is answered is refused as a whole.
pub async fn a_late_holder_stores_nothing(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let late = claim_until_the_end(store, "key", 1).await;
    let held = claimed(claim(store, "key", 1, LONG).await);
    let released = claimed(claim(store, "released", 1, LONG).await);
    release(store, &released).await;
    let mut answer_with = async |claim: &IdempotencyClaim| {
        let prediction = samples.one();
        let answer = StoredAnswer { items: vec![StoredItem::Prediction(prediction.id())] };
        let committed = change(store, &TenantId::default(), |work| {
            work.insert(&prediction);
            work.append(prediction.events());
            work.complete(claim.clone(), answer.clone());
        })
        .await;
        (committed, answer, find(store, prediction.id()).await.is_some())
    };
    for claim in [&late, &released] {
        let (committed, _, is_stored) = answer_with(claim).await;
        assert!(matches!(&committed, Err(StoreError::Conflict { entity: "idempotency key", id })
            if *id == claim.key.to_string()));
        assert!(!is_stored);
    }
    let (committed, answer, is_stored) = answer_with(&held).await;
    committed.expect("the claim is completed");
    assert!(is_stored);
    let (committed, _, is_stored) = answer_with(&held).await;
    assert_conflict(&committed);
    assert!(!is_stored);
    assert_eq!(claim(store, "key", 1, LONG).await, ClaimOutcome::Answered(answer));
}

/// From the commit on the answer comes back as it was stored, also after the lease.
pub async fn an_answered_key_returns_its_answer(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let stored = |id| StoredItem::Prediction(PredictionId::from_u128(id));
    let plain = ItemFailure { code: "inference_failed".to_owned(), field: None, detail: None };
    let many = (0..1_000).map(stored).collect();
    let mixed =
        [&failure("blank").items[..], &[stored(7), StoredItem::Failure(plain), stored(u128::MAX)]].concat();
    for (number, items) in [mixed, many, Vec::new()].into_iter().enumerate() {
        let key = format!("key {number}");
        let held = claim_until_the_end(store, &key, 1).await;
        let answer = StoredAnswer { items };
        if number == 0 {
            complete(store, &held, &answer).await.expect("a claim is completed after its lease");
        } else {
            let predictions = samples.many(3);
            let completed = change(store, &TenantId::default(), |work| {
                for prediction in &predictions {
                    work.insert(prediction);
                    work.append(prediction.events());
                }
                work.complete(held.clone(), answer.clone());
            })
            .await;
            completed.expect("the claim is completed");
        }
        for _ in 0..2 {
            assert_eq!(claim(store, &key, 1, LONG).await, ClaimOutcome::Answered(answer.clone()));
        }
    }
}

/// Claims that are completed at the same time are completed apart: the one that is lost fails alone.
pub async fn a_lost_claim_fails_alone_inside_a_group(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let lost = claim_until_the_end(store, "key 5", 1).await;
    let mut held: Vec<_> = Vec::new();
    for number in 0..12 {
        held.push(claimed(claim(store, &format!("key {number}"), 1, LONG).await));
    }
    held[5] = lost;
    let commits: Vec<_> = held
        .iter()
        .map(|held| {
            let mut work = application::ports::UnitOfWork::of(&TenantId::default());
            let prediction = samples.one();
            work.insert(&prediction);
            work.append(prediction.events());
            let items = vec![StoredItem::Prediction(prediction.id())];
            work.complete(held.clone(), StoredAnswer { items });
            (prediction.id(), crate::steps::spawn_commit(store, work))
        })
        .collect();
    for (number, (id, commit)) in commits.into_iter().enumerate() {
        let committed = commit.await.expect("the commit does not panic");
        assert_eq!(find(store, id).await.is_some(), number != 5);
        if number == 5 {
            assert_conflict(&committed);
        } else {
            committed.expect("the claim is completed");
            let answer = StoredAnswer { items: vec![StoredItem::Prediction(id)] };
            let again = claim(store, &format!("key {number}"), 1, LONG).await;
            assert_eq!(again, ClaimOutcome::Answered(answer));
        }
    }
}

/// Each tenant has its own keys: it claims, completes and releases nothing of another.
pub async fn tenants_do_not_share_keys(store: &impl StoreHarness) {
    let (ann, bob) = (tenant("ann"), tenant("bob"));
    let anns = claimed(claim_for(store, &ann, "key", 1, LONG).await);
    let bobs = claimed(claim_for(store, &bob, "key", 2, LONG).await);
    if anns.fence != bobs.fence {
        store.idempotency().release(&bob, &anns).await.expect("the store works");
        let completed = change(store, &bob, |work| work.complete(anns.clone(), failure("blank"))).await;
        assert_conflict(&completed);
    }
    let completed = change(store, &ann, |work| work.complete(anns.clone(), failure("blank"))).await;
    completed.expect("the claim is completed");
    assert_eq!(claim_for(store, &ann, "key", 1, LONG).await, ClaimOutcome::Answered(failure("blank")));
    assert_eq!(claim_for(store, &bob, "key", 2, LONG).await, ClaimOutcome::InProgress);
}

/// A purge deletes old keys, answered or not, at most its limit; a young one stays.
pub async fn a_purge_removes_only_old_keys(store: &impl StoreHarness) {
    for number in 0..5 {
        let held = claimed(claim(store, &format!("key {number}"), 1, LONG).await);
        if number % 2 == 0 {
            complete(store, &held, &failure("blank")).await.expect("the claim is completed");
        }
    }
    let purge = async |age, limit| store.idempotency().purge(age, limit).await.expect("the store works");
    assert_eq!(purge(LONG, 100).await, 0);
    assert_eq!(purge(Duration::ZERO, 3).await, 3);
    assert_eq!(purge(Duration::ZERO, 3).await, 2);
    assert_eq!(purge(Duration::ZERO, 3).await, 0);
    claimed(claim(store, "key 1", 2, LONG).await);
    claimed(claim(store, "key 2", 2, LONG).await);
}

/// The age of a key is that of its last claim: an answer to a request that was sent again after a crash stays.
pub async fn a_key_that_is_claimed_again_is_young(store: &impl StoreHarness) {
    claimed(claim(store, "old", 1, LONG).await);
    claim_until_the_end(store, "again", 1).await;
    let held = claimed(claim(store, "again", 1, LONG).await);
    complete(store, &held, &failure("blank")).await.expect("the claim is completed");
    let purged = store.idempotency().purge(Duration::from_hours(24), 10).await.expect("the store works");
    assert_eq!(purged, 1);
    assert_eq!(claim(store, "again", 1, LONG).await, ClaimOutcome::Answered(failure("blank")));
    claimed(claim(store, "old", 2, LONG).await);
}

/// Of many concurrent requests to two replicas one gets the key, and both replicas return its answer.
pub async fn two_replicas_grant_a_key_once(store: &impl StoreHarness) {
    let other = store.replica().await;
    let default = TenantId::default();
    for round in 0..8 {
        let key = idempotency_key(&format!("round {round}"));
        let claims: Vec<_> = (0..16)
            .map(|number| {
                let keys = if number % 2 == 0 { store.idempotency() } else { other.idempotency.clone() };
                let (tenant, key) = (default.clone(), key.clone());
                tokio::spawn(async move { keys.claim(&tenant, &key, &digest(1), LONG).await })
            })
            .collect();
        let mut granted = Vec::new();
        for claim in claims {
            if let ClaimOutcome::Claimed(claim) =
                claim.await.expect("nothing panics").expect("the store works")
            {
                granted.push(claim);
            }
        }
        assert_eq!(granted.len(), 1, "{granted:?}");
        let mut work = application::ports::UnitOfWork::of(&default);
        work.complete(granted[0].clone(), failure("blank"));
        other.writes.commit(work).await.expect("the claim is completed");
        for keys in [store.idempotency(), other.idempotency.clone()] {
            let again = keys.claim(&default, &key, &digest(1), LONG).await.expect("the store works");
            assert_eq!(again, ClaimOutcome::Answered(failure("blank")));
        }
    }
}
