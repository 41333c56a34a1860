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
    let (begun, waiting) = (samples.one(), samples.one());
    let deadline = Instant::now() + Duration::from_secs(2);
    let of_begun = commit(&store, &begun, deadline);
    wait_until_blocked(&store).await;
    let of_waiting = commit(&store, &waiting, Instant::now() + Duration::from_millis(1)).await.unwrap();
    assert!(matches!(of_waiting, Err(StoreError::DeadlineExceeded)), "{of_waiting:?}");
    tokio::time::sleep_until(deadline.into()).await;
    beside.execute("COMMIT").await.unwrap();
    of_begun.await.unwrap().unwrap();
    let found = store.predictions().find_many(&TenantId::default(), &[begun.id(), waiting.id()]).await;
    let found: Result<Vec<_>, _> = found.unwrap().into_iter().collect();
    assert_eq!(found.unwrap(), [Some((&begun).into()), None]);
}
