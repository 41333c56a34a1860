//! Deleting predictions.

use application::ports::{PredictionFilter, UnitOfWork};
use domain::value_objects::TenantId;

use crate::StoreHarness;
use crate::samples::{Samples, text};
use crate::steps::{
    assert_not_found, events, find, ids_descending, insert, list_ids, query, spawn_commit, try_delete,
    try_insert,
};

/// A deleted prediction is absent from every read, and nothing else is.
pub async fn a_deleted_prediction_is_gone(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let predictions = samples.many(3);
    insert(store, &predictions).await;
    try_delete(store, &[predictions[1].id()]).await.expect("the row is deleted");
    assert_eq!(find(store, predictions[1].id()).await, None);
    let left = ids_descending([&predictions[0], &predictions[2]]);
    assert_eq!(list_ids(store, &PredictionFilter::default()).await, left);
    assert_eq!(list_ids(store, &query("sample")).await, left);
}

/// The second deletion finds nothing.
pub async fn deleting_twice_finds_nothing_the_second_time(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let prediction = samples.one();
    assert_not_found(&try_delete(store, &[prediction.id()]).await);
    insert(store, std::slice::from_ref(&prediction)).await;
    try_delete(store, &[prediction.id()]).await.expect("the row is deleted");
    assert_not_found(&try_delete(store, &[prediction.id()]).await);
}

/// One row cannot be deleted twice in one set either, and then it stays.
pub async fn deleting_twice_in_one_set_deletes_nothing(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let prediction = samples.one();
    insert(store, std::slice::from_ref(&prediction)).await;
    assert_not_found(&try_delete(store, &[prediction.id(), prediction.id()]).await);
    assert!(find(store, prediction.id()).await.is_some());
}

/// Writes are applied in their order: what one set inserts and then deletes is not there.
pub async fn inserting_and_deleting_in_one_set_leaves_nothing(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let prediction = samples.one();
    let mut work = UnitOfWork::of(&TenantId::default());
    work.insert(&prediction);
    work.delete(prediction.id());
    store.writes().commit(work).await.expect("the set is committed");
    assert_eq!(find(store, prediction.id()).await, None);
    assert!(list_ids(store, &query("sample")).await.is_empty());
}

/// Writes are applied in their order: what one set deletes and then inserts is there, in its last form.
pub async fn deleting_and_inserting_in_one_set_replaces(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let old = samples.one_with(|new| new.text = text("the old text"));
    let new = samples.one_with(|new| (new.id, new.text) = (old.id(), text("the new text")));
    insert(store, std::slice::from_ref(&old)).await;
    let mut work = UnitOfWork::of(&TenantId::default());
    work.delete(old.id());
    work.insert(&new);
    store.writes().commit(work).await.expect("the set is committed");
    assert_eq!(find(store, old.id()).await, Some((&new).into()));
    assert!(list_ids(store, &query("old")).await.is_empty());
    assert_eq!(list_ids(store, &query("new")).await, [old.id()]);
}

/// Of many concurrent deletions of one row, one succeeds.
pub async fn one_of_many_deletions_of_one_row_wins(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let prediction = samples.one();
    insert(store, std::slice::from_ref(&prediction)).await;
    let commits: Vec<_> = (0..16)
        .map(|_| {
            let event = samples.deleted(&prediction, prediction.created_at());
            let mut work = UnitOfWork::of(&TenantId::default());
            work.delete(prediction.id());
            work.append(&[event]);
            spawn_commit(store, work)
        })
        .collect();
    let mut deleted = 0;
    for commit in commits {
        match commit.await.expect("the commit does not panic") {
            Ok(()) => deleted += 1,
            missing => assert_not_found(&missing),
        }
    }
    assert_eq!(deleted, 1);
    assert_eq!(events(store).await.len(), 2, "one event of the creation and one of the deletion");
}

/// An id that was deleted is free again.
pub async fn a_deleted_id_can_be_inserted_again(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let first = samples.one();
    let again = samples.one_with(|new| new.id = first.id());
    insert(store, std::slice::from_ref(&first)).await;
    try_delete(store, &[first.id()]).await.expect("the row is deleted");
    try_insert(store, &TenantId::default(), std::slice::from_ref(&again)).await.expect("the id is free");
    assert_eq!(find(store, first.id()).await, Some((&again).into()));
}
