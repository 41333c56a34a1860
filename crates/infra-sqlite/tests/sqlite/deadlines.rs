//! Deadlines of write sets.

use std::time::{Duration, Instant};

use application::ports::{Deadline, StoreError, UnitOfWork};
use domain::value_objects::{RequestDigest, TenantId};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Executor};
use store_contract::StoreHarness;
use store_contract::samples::idempotency_key;

use crate::harness::SqliteHarness;
use crate::samples::{has, prediction};

#[tokio::test]
async fn a_set_that_waits_at_its_deadline_is_withdrawn() {
    let harness = SqliteHarness::start().await;
    let mut beside = SqliteConnectOptions::new().filename(harness.store.path()).connect().await.unwrap();
    beside.execute("BEGIN IMMEDIATE").await.unwrap();
    let mut work = UnitOfWork::of(&TenantId::default());
    work.insert(&prediction(1));
    work.begin_by(Deadline::At(Instant::now() + Duration::from_millis(20)));
    // The writer waits for the other connection, on behalf of the lease.
    let (leases, writes) = (harness.leases(), harness.writes());
    let lease = leases.acquire("relay", "me", Duration::from_secs(10));
    let refused_first = async {
        let committed = writes.commit(work).await;
        assert!(matches!(committed, Err(StoreError::DeadlineExceeded)), "{committed:?}");
        beside.execute("COMMIT").await.unwrap();
    };
    let (lease, ()) = tokio::join!(lease, refused_first);
    assert!(lease.unwrap().is_some());
    assert!(!has(&harness.store, &prediction(1)).await);
}

#[tokio::test]
async fn a_claim_waits_no_longer_than_its_lease() {
    let harness = SqliteHarness::start().await;
    let mut beside = SqliteConnectOptions::new().filename(harness.store.path()).connect().await.unwrap();
    beside.execute("BEGIN IMMEDIATE").await.unwrap();
    let (tenant, key, digest) =
        (TenantId::default(), idempotency_key("key"), RequestDigest::from_bytes([1; 32]));
    let late = harness.idempotency().claim(&tenant, &key, &digest, Duration::from_millis(20)).await;
    assert!(matches!(late, Err(StoreError::DeadlineExceeded)), "{late:?}");
    beside.execute("COMMIT").await.unwrap();
}
