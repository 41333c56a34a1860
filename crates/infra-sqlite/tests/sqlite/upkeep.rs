//! What is deleted leaves the files, and the write-ahead log stays small.

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
use crate::samples::{delete, has, keep, prediction, prediction_of, prediction_saying, search};
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

/// Whether the database or its log holds `needle` anywhere.
fn files_hold(store: &SqliteStore, needle: &str) -> bool {
    let holds = |file: &Path| {
        fs::read(file).unwrap_or_default().windows(needle.len()).any(|window| window == needle.as_bytes())
    };
    holds(store.path()) || holds(&log_of(store))
}

/// Waits, for as long as a very slow machine needs, until `condition` holds.
async fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_mins(1), "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_the_text_nor_the_terms_of_a_deleted_prediction_stay_in_the_files() {
    let harness = start().await;
    let store = &harness.store;
    let (short, long) = (prediction_saying(1, "Quuxzebra is plain."), {
        let words = "Wobblegong spotted here and there and everywhere. ".repeat(400);
        prediction_saying(2, &words)
    });
    keep(store, &[short.clone(), long.clone()]).await.unwrap();
    for number in 10..300 {
        keep(store, &[prediction(number)]).await.unwrap();
    }
    for secret in ["Quuxzebra", "quuxzebra", "Wobblegong", "wobblegong"] {
        assert!(files_hold(store, secret), "{secret} was never written");
    }

    delete(store, &short).await.unwrap();
    delete(store, &long).await.unwrap();
    for secret in ["Quuxzebra", "quuxzebra", "Wobblegong", "wobblegong", "spotted here and there"] {
        wait_until(secret, || !files_hold(store, secret)).await;
    }
    assert_eq!(search(store, &["sample"], 1_000).await.len(), 290);
    assert_eq!(search(store, &["sample", "17"], 1_000).await, [prediction(17).id()]);
    assert!(has(store, &prediction(299)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_deleted_before_a_restart_leaves_the_files_after_it() {
    let harness = start().await;
    let secret = prediction_saying(1, "Quuxzebra is plain.");
    keep(&harness.store, &[secret.clone(), prediction(2)]).await.unwrap();
    harness.store.close().await;
    // As a release that purges nothing would delete.
    let mut other = SqliteConnectOptions::new().filename(harness.store.path()).connect().await.unwrap();
    other.execute("DELETE FROM prediction_terms WHERE rowid = 1").await.unwrap();
    assert!(files_hold(&harness.store, "quuxzebra"));

    let again = harness.open_again("").await;
    wait_until("the terms are gone", || !files_hold(&again, "quuxzebra")).await;
    assert_eq!(search(&again, &["sample"], 9).await, [prediction(2).id()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_a_long_reader_let_grow_shrinks_when_it_has_gone() {
    let harness = start().await;
    let store = &harness.store;
    keep(store, &[prediction(1)]).await.unwrap();
    let mut reader = SqliteConnectOptions::new().filename(store.path()).connect().await.unwrap();
    reader.execute("BEGIN; SELECT count(*) FROM predictions").await.unwrap();
    for number in 2..40 {
        keep(store, &[prediction_of(number, 100_000)]).await.unwrap();
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
    keep(store, &[prediction(1)]).await.unwrap();
    let mut reader = SqliteConnectOptions::new().filename(store.path()).connect().await.unwrap();
    reader.execute("BEGIN; SELECT count(*) FROM predictions").await.unwrap();
    // Written and deleted again, so that the database itself never grows much.
    let mut refused = false;
    for number in 2..400 {
        let big = prediction_of(number, 50_000);
        if keep(store, std::slice::from_ref(&big)).await.is_err() {
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
    while keep(store, &[prediction_of(500, 50_000)]).await.is_err() {
        assert!(start.elapsed() < Duration::from_mins(1), "the store never took a row again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_stays_bounded_under_lists_that_overlap_without_end() {
    let timeout = Duration::from_secs(1);
    let harness = store_with_endless_lists(|settings| {
        settings.timeout = timeout;
        settings.purge_interval = Duration::from_millis(100);
        settings.max_log_bytes = 1 << 20;
    })
    .await;
    let store = Arc::new(harness.store);
    let mut lists = JoinSet::new();
    // Each begins when the one before has run for a quarter of its time, so that there is always one that goes on.
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
    // Without an end to writing, no list ever begins on a log that has been moved into the file.
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
