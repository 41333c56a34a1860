//! Write sets: all or nothing, and each for itself.

use application::ports::{PredictionFilter, StoreError, UnitOfWork};
use domain::entities::Prediction;
use domain::value_objects::TenantId;

use crate::StoreHarness;
use crate::samples::Samples;
use crate::steps::{
    assert_conflict, assert_not_found, find, ids_descending, keep, list_ids, spawn_commit, try_keep,
    unpublished,
};

/// A unit of work that is dropped before its commit leaves no trace.
pub async fn dropping_a_unit_of_work_writes_nothing(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let (kept, dropped) = (samples.one(), samples.one());
    keep(store, std::slice::from_ref(&kept)).await;
    let events = unpublished(store).await;
    {
        let mut work = UnitOfWork::of(&TenantId::default());
        work.insert(&dropped);
        work.delete(kept.id());
        work.append(dropped.events());
    }
    assert_eq!(list_ids(store, &PredictionFilter::default()).await, [kept.id()]);
    assert_eq!(unpublished(store).await, events);
}

/// There is nothing wrong with a unit of work that records nothing.
pub async fn an_empty_unit_of_work_commits(store: &impl StoreHarness) {
    store.writes().commit(UnitOfWork::of(&TenantId::default())).await.expect("nothing to do is done");
    assert!(unpublished(store).await.is_empty());
}

/// What was committed is seen by every read that begins after the commit's answer.
pub async fn a_committed_write_is_seen_at_once(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    for _ in 0..50 {
        let prediction = samples.one();
        keep(store, std::slice::from_ref(&prediction)).await;
        assert!(find(store, prediction.id()).await.is_some());
    }
}

/// As many writes as a batch may have come through in one set.
pub async fn a_set_of_a_thousand_predictions_commits_whole(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let predictions = samples.many(1_000);
    keep(store, &predictions).await;
    assert_eq!(list_ids(store, &PredictionFilter::default()).await, ids_descending(&predictions));
    assert_eq!(unpublished(store).await.len(), 1_000);
}

/// An id that exists already is a conflict, and the row that was there stays as it was.
pub async fn an_existing_id_is_a_conflict(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let first = samples.one();
    let again = samples.one_with(|new| new.id = first.id());
    keep(store, std::slice::from_ref(&first)).await;
    let before = find(store, first.id()).await;
    assert_conflict(&try_keep(store, &TenantId::default(), &[again]).await);
    assert_eq!(find(store, first.id()).await, before);
    assert_eq!(unpublished(store).await.len(), 1);
}

/// The same id twice in one set is a conflict, and nothing of the set is written.
pub async fn a_conflict_inside_one_set_writes_nothing(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let good = samples.one();
    let first = samples.one();
    let again = samples.one_with(|new| new.id = first.id());
    assert_conflict(&try_keep(store, &TenantId::default(), &[good, first, again]).await);
    assert!(list_ids(store, &PredictionFilter::default()).await.is_empty());
    assert!(unpublished(store).await.is_empty());
}

/// A set that deletes a row that is not there writes nothing of its other writes.
pub async fn a_missing_row_inside_one_set_writes_nothing(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let (good, missing) = (samples.one(), samples.one());
    let mut work = UnitOfWork::of(&TenantId::default());
    work.insert(&good);
    work.append(good.events());
    work.delete(missing.id());
    assert_not_found(&store.writes().commit(work).await);
    assert!(list_ids(store, &PredictionFilter::default()).await.is_empty());
    assert!(unpublished(store).await.is_empty());
}

/// Of many sets committed at the same time, the one that conflicts is the only one that fails.
pub async fn a_conflict_fails_alone_inside_a_group(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let existing = samples.one();
    keep(store, std::slice::from_ref(&existing)).await;
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

/// Of many sets committed at the same time, the one that deletes what is not there is the only one that fails.
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

/// One id committed by many at the same time is kept once, and the others are told.
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
    assert_eq!(unpublished(store).await.len(), 1);
}

/// A commit whose caller has gone comes through whole or not at all.
pub async fn a_commit_nobody_waits_for_is_whole_or_absent(store: &impl StoreHarness) {
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
        keep(store, &[samples.one()]).await;
        // One read, which sees the commit or does not.
        let ids = list_ids(store, &PredictionFilter::default()).await;
        let there = set.iter().filter(|prediction| ids.contains(&prediction.id())).count();
        assert!(there == 0 || there == 3, "{there} of 3 are there");
    }
}

/// Commits each of `sets` in a task of its own; the outcomes stand in the order of the sets.
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
    let mut about: Vec<_> = unpublished(store).await.iter().map(|event| event.prediction_id).collect();
    about.sort_unstable_by(|a, b| b.cmp(a));
    assert_eq!(about, ids_descending(predictions));
}
