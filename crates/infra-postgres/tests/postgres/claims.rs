//! Claims of idempotency keys beside other transactions.

use std::time::Duration;

use application::ports::{
    ClaimOutcome, IdempotencyClaim, ItemFailure, StoreError, StoredAnswer, StoredItem, UnitOfWork,
};
use domain::value_objects::{RequestDigest, TenantId};
use sqlx::Executor;
use store_contract::StoreHarness;
use store_contract::samples::idempotency_key;

use crate::harness::PostgresHarness;

/// Longer than any test takes.
const LONG: Duration = Duration::from_mins(30);

async fn claim(
    store: &PostgresHarness,
    key: &str,
    of: u8,
    lease: Duration,
) -> Result<ClaimOutcome, StoreError> {
    let digest = RequestDigest::from_bytes([of; 32]);
    store.idempotency().claim(&TenantId::default(), &idempotency_key(key), &digest, lease).await
}

async fn claimed(store: &PostgresHarness, key: &str) -> IdempotencyClaim {
    match claim(store, key, 1, LONG).await.unwrap() {
        ClaimOutcome::Claimed(claim) => claim,
        other => panic!("the key is not free: {other:?}"),
    }
}

#[tokio::test]
async fn a_repetition_does_not_lock_the_row_of_its_key() {
    let store = PostgresHarness::start().await;
    claimed(&store, "in progress").await;
    let failure = ItemFailure { code: "blank".to_owned(), field: None, detail: None };
    let answer = StoredAnswer { items: vec![StoredItem::Failure(failure)] };
    let mut work = UnitOfWork::of(&TenantId::default());
    work.complete(claimed(&store, "answered").await, answer.clone());
    store.writes().commit(work).await.unwrap();

    let mut beside = store.database.connect().await;
    beside.execute("BEGIN; SELECT * FROM idempotency_keys FOR UPDATE").await.unwrap();
    for key in ["in progress", "answered"] {
        assert_eq!(claim(&store, key, 2, LONG).await.unwrap(), ClaimOutcome::Reused);
    }
    assert_eq!(claim(&store, "in progress", 1, LONG).await.unwrap(), ClaimOutcome::InProgress);
    assert_eq!(claim(&store, "answered", 1, LONG).await.unwrap(), ClaimOutcome::Answered(answer));
    beside.execute("COMMIT").await.unwrap();
}

#[tokio::test]
async fn a_claim_waits_no_longer_than_its_lease() {
    let store = PostgresHarness::start().await;
    let mut beside = store.database.connect().await;
    beside.execute("BEGIN; LOCK TABLE idempotency_keys").await.unwrap();
    let late = claim(&store, "key", 1, Duration::from_millis(20)).await;
    assert!(matches!(late, Err(StoreError::DeadlineExceeded)), "{late:?}");
    beside.execute("COMMIT").await.unwrap();
}
