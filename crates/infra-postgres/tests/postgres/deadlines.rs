//! Deadlines of write sets.

use std::sync::Arc;
use std::time::{Duration, Instant};

use application::ports::{Deadline, StoreError, UnitOfWork};
use domain::entities::Prediction;
use domain::value_objects::TenantId;
use sqlx::Executor;
use store_contract::StoreHarness;
use store_contract::samples::Samples;
use tokio::task::JoinHandle;

use crate::harness::{PostgresHarness, wait_until_blocked};

/// Commits sets whose deadlines come later and later until one has begun, and waits for a lock, before its own; returns
/// it with its deadline and its commit.
async fn begin_before_deadline(
    store: &PostgresHarness,
    samples: &mut Samples,
) -> (Prediction, Instant, JoinHandle<Result<(), StoreError>>) {
    let mut allowed = Duration::from_millis(50);
    loop {
        let (prediction, deadline) = (samples.one(), Instant::now() + allowed);
        let mut committed = commit(store, &prediction, deadline);
        tokio::select! {
            outcome = &mut committed => {
                let outcome = outcome.unwrap();
                assert!(matches!(outcome, Err(StoreError::DeadlineExceeded)), "{outcome:?}");
            }
            () = wait_until_blocked(store) => return (prediction, deadline, committed),
        }
        allowed *= 2;
    }
}

fn commit(
    store: &PostgresHarness,
    prediction: &Prediction,
    begin_by: Instant,
) -> JoinHandle<Result<(), StoreError>> {
    let mut work = UnitOfWork::of(&TenantId::default());
    work.insert(prediction);
    work.begin_by(Deadline::At(begin_by));
    let writes = Arc::clone(&store.writes());
    tokio::spawn(async move { writes.commit(work).await })
}

#[tokio::test]
async fn a_set_that_waits_at_its_deadline_is_withdrawn_and_one_that_was_begun_is_written() {
    let store = PostgresHarness::start().await;
    let mut beside = store.database.connect().await;
    beside.execute("BEGIN; LOCK TABLE predictions IN SHARE MODE").await.unwrap();
    let mut samples = Samples::new();
    let (begun, deadline, of_begun) = begin_before_deadline(&store, &mut samples).await;
    let waiting = samples.one();
    let of_waiting = commit(&store, &waiting, Instant::now() + Duration::from_millis(1)).await.unwrap();
    assert!(matches!(of_waiting, Err(StoreError::DeadlineExceeded)), "{of_waiting:?}");
    tokio::time::sleep_until(deadline.into()).await;
    beside.execute("COMMIT").await.unwrap();
    of_begun.await.unwrap().unwrap();
    let found = store.predictions().find_many(&TenantId::default(), &[begun.id(), waiting.id()]).await;
    let found: Result<Vec<_>, _> = found.unwrap().into_iter().collect();
    assert_eq!(found.unwrap(), [Some((&begun).into()), None]);
}
