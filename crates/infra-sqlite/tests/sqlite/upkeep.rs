//! Deleted data is purged from the files, and the write-ahead log stays small.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use application::ports::PredictionFilter;
use domain::value_objects::TenantId;
use infra_sqlite::SqliteStore;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Executor};
use tokio::task::JoinSet;

use crate::harness::SqliteHarness;
use crate::samples::{delete, has, insert, prediction, prediction_of, prediction_of_text, search};
use crate::slow_reads::store_with_endless_lists;

async fn start() -> SqliteHarness {
    SqliteHarness::start_with(|settings| {
        settings.purge_interval = Duration::from_millis(100);
        settings.max_log_bytes = 1 << 20;
    })
    .await
}

fn log_of(store: &SqliteStore) -> PathBuf {
    let mut name = store.path().as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

fn size(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |metadata| metadata.len())
}

/// Whether the database or its log contains `needle`.
fn files_contain(store: &SqliteStore, needle: &str) -> bool {
    let holds = |file: &Path| {
        fs::read(file).unwrap_or_default().windows(needle.len()).any(|window| window == needle.as_bytes())
    };
    holds(store.path()) || holds(&log_of(store))
}

/// Waits, for as long as a very slow machine needs, until `condition` holds.
async fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_mins(1), "not within a minute: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_the_text_nor_the_terms_of_a_deleted_prediction_remain_in_the_files() {
    let harness = start().await;
    let store = &harness.store;
    let (short, long) = (prediction_of_text(1, "Quuxzebra is plain."), {
        let words = "Wobblegong spotted here and there and everywhere. ".repeat(400);
        prediction_of_text(2, &words)
    });
    insert(store, &[short.clone(), long.clone()]).await.unwrap();
    for number in 10..300 {
        insert(store, &[prediction(number)]).await.unwrap();
    }
    for secret in ["Quuxzebra", "quuxzebra", "Wobblegong", "wobblegong"] {
        assert!(files_contain(store, secret), "{secret} was never written");
    }

    delete(store, &short).await.unwrap();
    delete(store, &long).await.unwrap();
    for secret in ["Quuxzebra", "quuxzebra", "Wobblegong", "wobblegong", "spotted here and there"] {
        wait_until(secret, || !files_contain(store, secret)).await;
    }
    assert_eq!(search(store, &["sample"], 1_000).await.len(), 290);
    assert_eq!(search(store, &["sample", "17"], 1_000).await, [prediction(17).id()]);
    assert!(has(store, &prediction(299)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_deleted_before_a_restart_is_purged_after_it() {
    let harness = start().await;
    let secret = prediction_of_text(1, "Quuxzebra is plain.");
    insert(&harness.store, &[secret.clone(), prediction(2)]).await.unwrap();
    harness.store.close().await;
    // Deletes like a release that purges nothing.
    let mut other = SqliteConnectOptions::new().filename(harness.store.path()).connect().await.unwrap();
    other.execute("DELETE FROM prediction_terms WHERE rowid = 1").await.unwrap();
    assert!(files_contain(&harness.store, "quuxzebra"));

    let again = harness.open_again("").await;
    wait_until("the terms are gone", || !files_contain(&again, "quuxzebra")).await;
    assert_eq!(search(&again, &["sample"], 9).await, [prediction(2).id()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_grew_under_a_long_reader_shrinks_afterwards() {
    let harness = start().await;
    let store = &harness.store;
    insert(store, &[prediction(1)]).await.unwrap();
    let mut reader = SqliteConnectOptions::new().filename(store.path()).connect().await.unwrap();
    reader.execute("BEGIN; SELECT count(*) FROM predictions").await.unwrap();
    for number in 2..40 {
        insert(store, &[prediction_of(number, 100_000)]).await.unwrap();
    }
    assert!(size(&log_of(store)) > 3 << 20, "the reader did not hold the log");
    reader.execute("COMMIT").await.unwrap();
    wait_until("the log shrinks", || size(&log_of(store)) <= 1 << 20).await;
    assert!(has(store, &prediction_of(39, 100_000)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_grows_beyond_its_bound_counts_as_size_of_the_store() {
    let (max_size, max_log) = (4 << 20, 1 << 20);
    let harness = SqliteHarness::start_with(|settings| {
        settings.max_size_bytes = Some(max_size);
        settings.max_log_bytes = max_log;
        settings.purge_interval = Duration::from_secs(1);
    })
    .await;
    let store = &harness.store;
    insert(store, &[prediction(1)]).await.unwrap();
    let mut reader = SqliteConnectOptions::new().filename(store.path()).connect().await.unwrap();
    reader.execute("BEGIN; SELECT count(*) FROM predictions").await.unwrap();
    // Written and deleted again, so that the database itself never grows much.
    let mut refused = false;
    for number in 2..400 {
        let big = prediction_of(number, 50_000);
        if insert(store, std::slice::from_ref(&big)).await.is_err() {
            refused = true;
            break;
        }
        delete(store, &big).await.unwrap();
    }
    assert!(refused, "the log has {} bytes", size(&log_of(store)));
    assert!(size(store.path()) + size(&log_of(store)) < max_size + max_log + (1 << 20));
    delete(store, &prediction(1)).await.unwrap();

    reader.execute("COMMIT").await.unwrap();
    let start = Instant::now();
    while insert(store, &[prediction_of(500, 50_000)]).await.is_err() {
        assert!(start.elapsed() < Duration::from_mins(1), "the store accepted no row again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_stays_bounded_under_endlessly_overlapping_lists() {
    let timeout = Duration::from_secs(1);
    let harness = store_with_endless_lists(|settings| {
        settings.timeout = timeout;
        settings.purge_interval = Duration::from_millis(100);
        settings.max_log_bytes = 1 << 20;
    })
    .await;
    let store = Arc::new(harness.store);
    let mut lists = JoinSet::new();
    // Each begins when the one before has run for a quarter of its time, so that one is always running.
    for quarter in 0..4 {
        let store = Arc::clone(&store);
        lists.spawn(async move {
            tokio::time::sleep(timeout / 4 * quarter).await;
            loop {
                let (tenant, filter) = (TenantId::default(), PredictionFilter::default());
                drop(store.predictions().list(&tenant, &filter, None, 20).await);
            }
        });
    }
    tokio::time::sleep(timeout).await;
    let mut other = SqliteConnectOptions::new().filename(store.path()).connect().await.unwrap();
    other.execute("CREATE TABLE noise (bytes BLOB)").await.unwrap();
    // While writes continue, no list begins on a log that has been moved into the file.
    let writing = tokio::spawn(async move {
        loop {
            other.execute("INSERT INTO noise VALUES (zeroblob(20000))").await.unwrap();
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    wait_until("the log grows", || size(&log_of(&store)) > 2 << 20).await;
    wait_until("the log shrinks beside lists and writes", || size(&log_of(&store)) <= 1 << 20).await;
    writing.abort();
    lists.shutdown().await;
}
