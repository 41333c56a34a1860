//! Many concurrent write sets.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use application::ports::{StoreError, UnitOfWork, WriteStore};
use domain::entities::Prediction;
use domain::value_objects::{PredictionId, PredictionResult, SentimentScores, TenantId, Timestamp};
use sqlx::{Executor, PgConnection};
use store_contract::StoreHarness;
use store_contract::samples::{FIRST, Samples};

use crate::harness::{PostgresHarness, events, insert, wait_until_blocked};

/// Commits each prediction as a set of its own, all at the same time; the outcomes by id.
async fn insert_each(
    writes: &Arc<dyn WriteStore>,
    predictions: &[Prediction],
) -> HashMap<PredictionId, Result<(), StoreError>> {
    let commits = predictions.iter().cloned().map(|prediction| {
        let writes = Arc::clone(writes);
        tokio::spawn(async move { (prediction.id(), insert(&writes, &[prediction]).await) })
    });
    let commits: Vec<_> = commits.collect();
    let mut outcomes = HashMap::new();
    for commit in commits {
        let (id, outcome) = commit.await.unwrap();
        outcomes.insert(id, outcome);
    }
    outcomes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_concurrent_commits_are_all_found() {
    let store = PostgresHarness::start().await;
    let predictions = Samples::new().many(1_000);
    for (id, outcome) in insert_each(&store.writes(), &predictions).await {
        assert!(outcome.is_ok(), "{id}: {outcome:?}");
    }
    for prediction in &predictions {
        let found = store.predictions().find(&TenantId::default(), prediction.id()).await.unwrap();
        assert_eq!(found, Some(prediction.into()));
    }
    assert_eq!(events(&store.store).await.len(), 1_000);
}

/// On one thread, so that all spawned sets are submitted before a response of the server is processed.
#[tokio::test]
async fn the_sets_that_wait_share_one_transaction() {
    let store = PostgresHarness::start().await;
    let mut beside = store.database.connect().await;
    // The first set is blocked until the others wait behind it.
    beside.execute("BEGIN; LOCK TABLE outbox IN SHARE MODE").await.unwrap();
    let writes = store.writes();
    let predictions = Samples::new().many(41);
    let (first, others) = predictions.split_first().unwrap();
    let held = tokio::spawn({
        let (writes, first) = (Arc::clone(&writes), first.clone());
        async move { insert(&writes, &[first]).await }
    });
    wait_until_blocked(&store).await;
    let (outcomes, released) = tokio::join!(insert_each(&writes, others), beside.execute("COMMIT"));
    released.unwrap();
    held.await.unwrap().unwrap();
    assert!(outcomes.values().all(Result::is_ok));
    let transactions: i64 = sqlx::query_scalar("SELECT count(DISTINCT xmin::text) FROM predictions")
        .fetch_one(&mut beside)
        .await
        .unwrap();
    assert_eq!(transactions, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_conflict_among_many_sets_fails_alone() {
    let store = PostgresHarness::start().await;
    let predictions = Samples::new().many(200);
    insert(&store.writes(), &predictions[77..78]).await.unwrap();
    for (id, outcome) in insert_each(&store.writes(), &predictions).await {
        if id == predictions[77].id() {
            let Err(StoreError::Conflict { entity, id: named }) = outcome else { panic!("{outcome:?}") };
            assert_eq!((entity, named), ("prediction", id.to_string()));
        } else {
            assert!(outcome.is_ok(), "{id}: {outcome:?}");
        }
    }
    assert_eq!(events(&store.store).await.len(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_the_database_refuses_fails_alone() {
    let store = PostgresHarness::start().await;
    let mut samples = Samples::new();
    let mut predictions = samples.many(100);
    let impossible = SentimentScores { negative: Some(2.0), ..SentimentScores::default() };
    predictions.push(samples.one_with(|new| {
        new.result = PredictionResult::restore(None, None, impossible, Vec::new());
    }));
    let outcomes = insert_each(&store.writes(), &predictions).await;
    for prediction in &predictions[..100] {
        assert!(outcomes[&prediction.id()].is_ok());
    }
    assert!(matches!(outcomes[&predictions[100].id()], Err(StoreError::Unavailable { .. })));
}

#[tokio::test]
async fn a_time_that_cannot_be_stored_fails_alone() {
    let store = PostgresHarness::start().await;
    let mut samples = Samples::new();
    let too_early = samples.one_with(|new| new.now = Timestamp::from_micros(i64::MIN));
    let refused = insert(&store.writes(), &[too_early]).await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })));
    insert(&store.writes(), &[samples.one()]).await.unwrap();
}

#[tokio::test]
async fn the_same_event_twice_is_a_conflict() {
    let store = PostgresHarness::start().await;
    let mut samples = Samples::new();
    let prediction = samples.one();
    let event = samples.deleted(&prediction, Timestamp::from_micros(FIRST));
    let mut work = UnitOfWork::of(&TenantId::default());
    work.append(&[event.clone(), event.clone()]);
    let Err(StoreError::Conflict { entity, id }) = store.writes().commit(work).await else {
        panic!("committed")
    };
    assert_eq!((entity, id), ("event", event.event_id().to_string()));
    assert!(events(&store.store).await.is_empty());
}

type Commit = Pin<Box<dyn Future<Output = Result<(), StoreError>>>>;

/// Begins to commit each prediction as a set of its own, polling once, like a stream whose client does not read.
fn begin_inserts(writes: &Arc<dyn WriteStore>, predictions: &[Prediction]) -> Vec<Commit> {
    let begin = |prediction: &Prediction| {
        let (writes, prediction) = (Arc::clone(writes), prediction.clone());
        let mut commit: Commit = Box::pin(async move { insert(&writes, &[prediction]).await });
        let polled = commit.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Pending));
        commit
    };
    predictions.iter().map(begin).collect()
}

/// Blocks the writer in the middle of a transaction, until the returned connection commits.
async fn block_the_writer(store: &PostgresHarness, first: &Prediction) -> PgConnection {
    let mut beside = store.database.connect().await;
    beside.execute("BEGIN; LOCK TABLE outbox IN SHARE MODE").await.unwrap();
    let (writes, first) = (store.writes(), first.clone());
    tokio::spawn(async move { insert(&writes, &[first]).await });
    wait_until_blocked(store).await;
    beside
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_that_are_not_polled_delay_no_other() {
    let store = PostgresHarness::start_with(|settings| settings.timeout = Duration::from_mins(1)).await;
    let predictions = Samples::new().many(3_002);
    let mut beside = block_the_writer(&store, &predictions[0]).await;
    let stalled = begin_inserts(&store.writes(), &predictions[2..]);
    beside.execute("COMMIT").await.unwrap();
    insert(&store.writes(), &predictions[1..2]).await.unwrap();
    for (commit, prediction) in stalled.into_iter().zip(&predictions[2..]) {
        commit.await.unwrap();
        let found = store.predictions().find(&TenantId::default(), prediction.id()).await.unwrap();
        assert!(found.is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_dropped_before_their_set_is_taken_write_nothing() {
    let store = PostgresHarness::start_with(|settings| settings.timeout = Duration::from_mins(1)).await;
    let predictions = Samples::new().many(402);
    let mut beside = block_the_writer(&store, &predictions[0]).await;
    drop(begin_inserts(&store.writes(), &predictions[2..]));
    beside.execute("COMMIT").await.unwrap();
    insert(&store.writes(), &predictions[1..2]).await.unwrap();
    let stored: i64 =
        sqlx::query_scalar("SELECT count(*) FROM predictions").fetch_one(&mut beside).await.unwrap();
    assert_eq!(stored, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_completes_everything_submitted() {
    let store = PostgresHarness::start().await;
    let predictions = Samples::new().many(300);
    let writes = store.writes();
    let (outcomes, ()) = tokio::join!(insert_each(&writes, &predictions), store.store.close());
    let mut beside = store.database.connect().await;
    let stored: i64 =
        sqlx::query_scalar("SELECT count(*) FROM predictions").fetch_one(&mut beside).await.unwrap();
    assert_eq!(outcomes.values().filter(|outcome| outcome.is_ok()).count(), usize::try_from(stored).unwrap());
    let late = insert(&writes, &[Samples::new().one()]).await;
    assert!(matches!(late, Err(StoreError::Unavailable { .. })));
}
