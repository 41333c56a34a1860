//! Units of work: all or nothing, each independent of the others.

use std::time::{Duration, Instant};

use application::ports::{Deadline, PredictionFilter, StoreError, UnitOfWork};
use domain::entities::Prediction;
use domain::value_objects::TenantId;

use crate::StoreHarness;
use crate::samples::Samples;
use crate::steps::{
    assert_conflict, assert_not_found, events, find, ids_descending, insert, list_ids, spawn_commit,
    try_insert,
};

/// A unit of work that is never committed writes nothing.
pub async fn dropping_a_unit_of_work_writes_nothing(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let (stored, dropped) = (samples.one(), samples.one());
    insert(store, std::slice::from_ref(&stored)).await;
    let before = events(store).await;
    {
        let mut work = UnitOfWork::of(&TenantId::default());
        work.insert(&dropped);
        work.delete(stored.id());
        work.append(dropped.events());
    }
    assert_eq!(list_ids(store, &PredictionFilter::default()).await, [stored.id()]);
    assert_eq!(events(store).await, before);
}

/// An empty unit of work can be committed.
pub async fn an_empty_unit_of_work_commits(store: &impl StoreHarness) {
    store
        .writes()
        .commit(UnitOfWork::of(&TenantId::default()))
        .await
        .expect("an empty unit of work is committed");
    assert!(events(store).await.is_empty());
}

/// Every read that begins after a commit has returned sees its writes.
pub async fn a_committed_write_is_seen_at_once(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    for _ in 0..50 {
        let prediction = samples.one();
        insert(store, std::slice::from_ref(&prediction)).await;
        assert!(find(store, prediction.id()).await.is_some());
    }
}

/// One set may have as many writes as the largest batch.
pub async fn a_set_of_a_thousand_predictions_commits_whole(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let predictions = samples.many(1_000);
    insert(store, &predictions).await;
    assert_eq!(list_ids(store, &PredictionFilter::default()).await, ids_descending(&predictions));
    assert_eq!(events(store).await.len(), 1_000);
}

/// An existing id is a conflict, and its row stays unchanged.
pub async fn an_existing_id_is_a_conflict(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let first = samples.one();
    let again = samples.one_with(|new| new.id = first.id());
    insert(store, std::slice::from_ref(&first)).await;
    let before = find(store, first.id()).await;
    assert_conflict(&try_insert(store, &TenantId::default(), &[again]).await);
    assert_eq!(find(store, first.id()).await, before);
    assert_eq!(events(store).await.len(), 1);
}

/// The same id twice in one set is a conflict, and nothing of the set is written.
pub async fn a_conflict_inside_one_set_writes_nothing(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let good = samples.one();
    let first = samples.one();
    let again = samples.one_with(|new| new.id = first.id());
    assert_conflict(&try_insert(store, &TenantId::default(), &[good, first, again]).await);
    assert!(list_ids(store, &PredictionFilter::default()).await.is_empty());
    assert!(events(store).await.is_empty());
}

/// A set that deletes a missing row writes nothing.
pub async fn a_missing_row_inside_one_set_writes_nothing(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let (good, missing) = (samples.one(), samples.one());
    let mut work = UnitOfWork::of(&TenantId::default());
    work.insert(&good);
    work.append(good.events());
    work.delete(missing.id());
    assert_not_found(&store.writes().commit(work).await);
    assert!(list_ids(store, &PredictionFilter::default()).await.is_empty());
    assert!(events(store).await.is_empty());
}

/// Of many sets committed at the same time, the one that conflicts is the only one that fails.
pub async fn a_conflict_fails_alone_inside_a_group(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let existing = samples.one();
    insert(store, std::slice::from_ref(&existing)).await;
    let mut sets: Vec<Vec<Prediction>> = (0..64).map(|_| samples.many(3)).collect();
    sets[31][1] = samples.one_with(|new| new.id = existing.id());

    let outcomes = commit_at_once(store, &sets).await;
    let mut expected = vec![existing.clone()];
    for (number, (set, outcome)) in sets.iter().zip(outcomes).enumerate() {
        if number == 31 {
            assert_conflict(&outcome);
        } else {
            outcome.expect("a good set is committed");
            expected.extend_from_slice(set);
        }
    }
    assert_only(store, &expected).await;
    assert_eq!(find(store, existing.id()).await, Some((&existing).into()));
}

/// Of many sets committed at the same time, the one that deletes a missing row is the only one that fails.
pub async fn a_missing_row_fails_alone_inside_a_group(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let missing = samples.one();
    let sets: Vec<Vec<Prediction>> = (0..64).map(|_| samples.many(2)).collect();
    let mut bad = UnitOfWork::of(&TenantId::default());
    let beside = samples.one();
    bad.insert(&beside);
    bad.append(beside.events());
    bad.delete(missing.id());

    let bad = spawn_commit(store, bad);
    let outcomes = commit_at_once(store, &sets).await;
    assert_not_found(&bad.await.expect("the commit does not panic"));
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_only(store, &sets.concat()).await;
}

/// Of many concurrent commits of one id one succeeds, and the others fail with a conflict.
pub async fn one_of_many_commits_of_one_id_wins(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let first = samples.one();
    let sets: Vec<Vec<Prediction>> =
        (0..16).map(|_| vec![samples.one_with(|new| new.id = first.id())]).collect();
    let outcomes = commit_at_once(store, &sets).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for outcome in outcomes.into_iter().filter(Result::is_err) {
        assert_conflict(&outcome);
    }
    assert_eq!(events(store).await.len(), 1);
}

/// A commit whose future is dropped is applied wholly or not at all.
pub async fn an_abandoned_commit_is_whole_or_absent(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    for _ in 0..20 {
        let set = samples.many(3);
        let mut work = UnitOfWork::of(&TenantId::default());
        for prediction in &set {
            work.insert(prediction);
        }
        let commit = spawn_commit(store, work);
        tokio::task::yield_now().await;
        commit.abort();
        insert(store, &[samples.one()]).await;
        // One read, which sees either all or none of the commit.
        let ids = list_ids(store, &PredictionFilter::default()).await;
        let there = set.iter().filter(|prediction| ids.contains(&prediction.id())).count();
        assert!(there == 0 || there == 3, "{there} of 3 are there");
    }
}

/// A set whose deadline has passed writes nothing, alone or beside others; one whose deadline has not is committed.
pub async fn a_unit_of_work_past_its_deadline_is_not_written(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let (late, in_time, endless) = (samples.one(), samples.one(), samples.one());
    let now = Instant::now();
    let commits = [
        (&late, Deadline::At(now)),
        (&in_time, Deadline::At(now + Duration::from_hours(1))),
        (&endless, Deadline::AfterQueueing(Duration::ZERO)),
    ]
    .map(|(prediction, deadline)| {
        let mut work = UnitOfWork::of(&TenantId::default());
        work.insert(prediction);
        work.append(prediction.events());
        work.begin_by(deadline);
        spawn_commit(store, work)
    });
    let [of_late, of_in_time, of_endless] = commits;
    let of_late = of_late.await.expect("the commit does not panic");
    assert!(matches!(of_late, Err(StoreError::DeadlineExceeded)), "{of_late:?}");
    for commit in [of_in_time, of_endless] {
        commit.await.expect("the commit does not panic").expect("the set is committed");
    }
    assert_only(store, &[in_time, endless]).await;
}

/// Commits each of `sets` in a task of its own; the outcomes are in the order of the sets.
async fn commit_at_once(store: &impl StoreHarness, sets: &[Vec<Prediction>]) -> Vec<Result<(), StoreError>> {
    let commits: Vec<_> = sets
        .iter()
        .map(|set| {
            let mut work = UnitOfWork::of(&TenantId::default());
            for prediction in set {
                work.insert(prediction);
                work.append(prediction.events());
            }
            spawn_commit(store, work)
        })
        .collect();
    let mut outcomes = Vec::with_capacity(commits.len());
    for commit in commits {
        outcomes.push(commit.await.expect("the commit does not panic"));
    }
    outcomes
}

/// Asserts that exactly `predictions`, and one event of each, are there.
async fn assert_only(store: &impl StoreHarness, predictions: &[Prediction]) {
    assert_eq!(list_ids(store, &PredictionFilter::default()).await, ids_descending(predictions));
    let mut about: Vec<_> = events(store)
        .await
        .iter()
        .map(|event| event.prediction_id.expect("it is about a prediction"))
        .collect();
    about.sort_unstable_by(|a, b| b.cmp(a));
    assert_eq!(about, ids_descending(predictions));
}
