//! Callers whose futures are no longer polled, like those of a stream whose client does not read.

use std::pin::Pin;
use std::task::{Context, Waker};

use application::ports::{StoreError, UnitOfWork};
use domain::value_objects::TenantId;

use crate::harness::SqliteHarness;
use crate::samples::{has, insert, prediction, search};

type Commit<'a> = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'a>>;

/// Commits of the predictions `from` to `to`, each polled once and then not again.
fn submitted(harness: &SqliteHarness, from: u32, to: u32) -> Vec<Commit<'_>> {
    let commit = |number| -> Commit<'_> {
        Box::pin(async move { insert(&harness.store, &[prediction(number)]).await })
    };
    let mut commits: Vec<_> = (from..to).map(commit).collect();
    for commit in &mut commits {
        assert!(commit.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    commits
}

#[tokio::test]
async fn commits_that_are_not_polled_delay_no_other_and_are_written() {
    let harness = SqliteHarness::start_with(|_| {}).await;
    let mut stalled = submitted(&harness, 0, 5_000);
    insert(&harness.store, &[prediction(5_000)]).await.unwrap();
    assert!(has(&harness.store, &prediction(5_000)).await);
    assert_eq!(search(&harness.store, &["sample"], 10_000).await.len(), 5_001);
    for commit in &mut stalled {
        commit.await.unwrap();
    }
}

#[tokio::test]
async fn a_commit_dropped_before_its_set_is_taken_writes_nothing() {
    let harness = SqliteHarness::start_with(|_| {}).await;
    let mut waiting = submitted(&harness, 0, 3_000);
    drop(waiting.split_off(1_500));
    insert(&harness.store, &[prediction(9_000)]).await.unwrap();
    assert_eq!(search(&harness.store, &["sample"], 10_000).await.len(), 1_501);
    assert!(!has(&harness.store, &prediction(1_500)).await);
    drop(waiting);
    let empty = UnitOfWork::of(&TenantId::default());
    harness.store.writes().commit(empty).await.unwrap();
}
