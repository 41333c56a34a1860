use std::fs;

use crate::samples::events;
use infra_sqlite::{BackupError, SqliteSettings, SqliteStore};
use store_contract::StoreHarness;

use crate::harness::{SqliteHarness, url};
use crate::samples::{has, insert, prediction, search};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_beside_writes_is_the_whole_database_of_one_instant() {
    let harness = SqliteHarness::start().await;
    let store = &harness.store;
    let before: Vec<_> = (0..500).map(prediction).collect();
    insert(store, &before).await.unwrap();

    let file = harness.beside("backup.db");
    let backup = store.backup(&file);
    tokio::pin!(backup);
    let mut number = 500;
    loop {
        tokio::select! {
            made = &mut backup => break made.unwrap(),
            stored = insert_pair(store, number) => stored,
        }
        number += 2;
    }

    let copy = SqliteStore::open(&SqliteSettings::new(url(&file))).await.unwrap();
    assert_eq!(copy.migrator().up().await.unwrap(), 0);
    let rows = search(&copy, &["sample"], 100_000).await.len();
    assert!(rows >= 500 && rows.is_multiple_of(2), "{rows} rows: a write set was torn");
    let events = events(&copy).await;
    assert_eq!(events.len(), rows);
    assert!(has(&copy, &prediction(499)).await);
    insert(&copy, &[prediction(1_000_000)]).await.unwrap();
    assert!(!has(store, &prediction(1_000_000)).await);
}

/// Two predictions in one write set: a copy has both or none.
async fn insert_pair(store: &SqliteStore, number: u32) {
    insert(store, &[prediction(number), prediction(number + 1)]).await.unwrap();
}

#[tokio::test]
async fn a_backup_never_replaces_a_file_and_leaves_nothing_behind() {
    let harness = SqliteHarness::start().await;
    let file = harness.beside("taken");
    fs::write(&file, "mine").unwrap();
    let refused = harness.store.backup(&file).await;
    assert!(matches!(refused, Err(BackupError::Exists(path)) if path == file));
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");

    let nowhere = harness.beside("no-such-folder/backup.db");
    assert!(matches!(harness.store.backup(&nowhere).await, Err(BackupError::Copy(_))));

    harness.store.backup(&harness.beside("backup.db")).await.unwrap();
    let folder = harness.beside("backup.db").parent().unwrap().to_owned();
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["backup.db", "data", "taken"]);
}

#[tokio::test]
async fn a_read_only_store_can_be_backed_up() {
    let harness = SqliteHarness::start().await;
    insert(&harness.store, &[prediction(1)]).await.unwrap();
    let read_only = harness.open_again("?mode=ro").await;
    read_only.backup(&harness.beside("backup.db")).await.unwrap();
    let copy = SqliteStore::open(&SqliteSettings::new(url(&harness.beside("backup.db")))).await.unwrap();
    assert!(has(&copy, &prediction(1)).await);
}
