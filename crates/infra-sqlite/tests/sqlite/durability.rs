use std::sync::Arc;

use crate::samples::events;
use application::ports::{StoreError, UnitOfWork};
use domain::value_objects::TenantId;
use store_contract::StoreHarness;
use tokio::task::JoinSet;

use crate::harness::SqliteHarness;
use crate::samples::{delete, has, insert, prediction, search};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_commits_at_once_are_all_found_again() {
    let harness = Arc::new(SqliteHarness::start().await);
    let mut commits = JoinSet::new();
    for number in 0..1_000 {
        let harness = Arc::clone(&harness);
        commits.spawn(async move { insert(&harness.store, &[prediction(number)]).await });
    }
    assert!(commits.join_all().await.into_iter().all(|outcome| outcome.is_ok()));
    for number in 0..1_000 {
        assert!(has(&harness.store, &prediction(number)).await, "{number} is missing");
    }
    let events = events(&harness.store).await;
    assert_eq!(events.len(), 1_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_commits_at_once_only_the_conflicting_ones_fail() {
    let harness = Arc::new(SqliteHarness::start().await);
    let taken = [3, 77, 150];
    for number in taken {
        insert(&harness.store, &[prediction(number)]).await.unwrap();
    }
    let mut commits = JoinSet::new();
    for number in 0..200 {
        let harness = Arc::clone(&harness);
        let both = [prediction(1_000 + number), prediction(number)];
        commits.spawn(async move { (number, insert(&harness.store, &both).await) });
    }
    for (number, outcome) in commits.join_all().await {
        let beside = has(&harness.store, &prediction(1_000 + number)).await;
        assert_eq!(beside, !taken.contains(&number), "set {number} is not all or nothing");
        match outcome {
            Ok(()) => assert!(!taken.contains(&number)),
            Err(StoreError::Conflict { entity, id }) => {
                assert_eq!((entity, id), ("prediction", prediction(number).id().to_string()));
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inserting_and_deleting_in_one_set_follow_their_order() {
    let harness = SqliteHarness::start().await;
    let (store, tenant) = (&harness.store, TenantId::default());
    let mut come_and_go = UnitOfWork::of(&tenant);
    come_and_go.insert(&prediction(1));
    come_and_go.insert(&prediction(2));
    come_and_go.delete(prediction(1).id());
    store.writes().commit(come_and_go).await.unwrap();
    assert_eq!(search(store, &["sample"], 9).await, [prediction(2).id()]);

    let mut replace = UnitOfWork::of(&tenant);
    replace.delete(prediction(2).id());
    replace.insert(&prediction(2));
    store.writes().commit(replace).await.unwrap();
    assert_eq!(search(store, &["sample"], 9).await, [prediction(2).id()]);

    let mut too_early = UnitOfWork::of(&tenant);
    too_early.delete(prediction(3).id());
    too_early.insert(&prediction(3));
    assert!(matches!(store.writes().commit(too_early).await, Err(StoreError::NotFound { .. })));
    assert!(!has(store, &prediction(3)).await);
}

#[tokio::test]
async fn a_deleted_prediction_is_not_found_by_its_terms_nor_is_its_row_number_confused() {
    let harness = SqliteHarness::start().await;
    let store = &harness.store;
    insert(store, &[prediction(1), prediction(2)]).await.unwrap();
    delete(store, &prediction(2)).await.unwrap();
    assert!(search(store, &["sample", "2"], 9).await.is_empty());
    insert(store, &[prediction(3)]).await.unwrap();
    assert!(search(store, &["2"], 9).await.is_empty());
    assert_eq!(search(store, &["sample", "3"], 9).await, [prediction(3).id()]);
}

#[tokio::test]
async fn a_reopened_store_has_everything_that_was_stored() {
    let harness = SqliteHarness::start().await;
    insert(&harness.store, &[prediction(1)]).await.unwrap();
    let again = harness.open_again("").await;
    assert!(has(&again, &prediction(1)).await);
    harness.store.close().await;
    assert!(has(&again, &prediction(1)).await);
    insert(&again, &[prediction(2)]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_completes_everything_submitted_before() {
    let harness = Arc::new(SqliteHarness::start().await);
    let mut commits = JoinSet::new();
    for number in 0..100 {
        let harness = Arc::clone(&harness);
        commits.spawn(async move { (number, insert(&harness.store, &[prediction(number)]).await) });
    }
    let first = commits.join_next().await.unwrap().unwrap();
    harness.store.close().await;
    let log = harness.beside("data/undertone.db-wal");
    assert!(!log.exists(), "the log was not moved into the file");
    let mut outcomes = commits.join_all().await;
    outcomes.push(first);

    let again = harness.open_again("").await;
    for (number, outcome) in outcomes {
        assert_eq!(has(&again, &prediction(number)).await, outcome.is_ok(), "{number}");
        assert!(matches!(outcome, Ok(()) | Err(StoreError::Unavailable { .. })));
    }
    assert!(matches!(insert(&harness.store, &[prediction(500)]).await, Err(StoreError::Unavailable { .. })));
    assert!(harness.store.health().check().await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_in_memory_is_a_store_of_its_own() {
    let one = SqliteHarness::start_with(|settings| settings.url = "sqlite::memory:".to_owned()).await;
    let other = SqliteHarness::start_with(|settings| settings.url = "sqlite::memory:".to_owned()).await;
    for number in 0..50 {
        let (mine, others) = ([prediction(number)], [prediction(100 + number)]);
        let (stored, stored_there, found) = tokio::join!(
            insert(&one.store, &mine),
            insert(&other.store, &others),
            search(&one.store, &["sample"], 100),
        );
        stored.unwrap();
        stored_there.unwrap();
        assert!(found.len() <= 50);
    }
    assert_eq!(search(&one.store, &["sample"], 100).await.len(), 50);
    assert_eq!(one.store.path().to_str(), Some(":memory:"));
    assert!(!has(&one.store, &prediction(100)).await);
}
