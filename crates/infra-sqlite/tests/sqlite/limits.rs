use std::time::{Duration, Instant};

use application::ports::StoreError;
use domain::value_objects::TenantId;
use infra_sqlite::{OpenError, SqliteSettings, SqliteStore};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Executor};
use store_contract::StoreHarness;

use crate::harness::{SqliteHarness, url};
use crate::samples::{delete, has, keep, prediction, prediction_of};

fn is_unavailable(outcome: &Result<(), StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Unavailable { .. }))
}

/// Keeps predictions until the store is full; tells the number of the first that found no room.
async fn fill(store: &SqliteStore, chars: usize) -> u32 {
    for number in 0.. {
        let outcome = keep(store, &[prediction_of(number, chars)]).await;
        if outcome.is_err() {
            assert!(is_unavailable(&outcome));
            return number;
        }
    }
    unreachable!()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_store_goes_on_reading_and_takes_new_rows_once_some_are_deleted() {
    let harness = SqliteHarness::start_with(|settings| settings.max_size_bytes = Some(1 << 20)).await;
    let store = &harness.store;
    for chars in [2_000, 10] {
        let full_at = fill(store, chars).await;
        assert!(full_at > 10);
        assert!(is_unavailable(&keep(store, &[prediction_of(full_at, chars)]).await));
        assert!(has(store, &prediction_of(0, chars)).await);
        assert!(!has(store, &prediction_of(full_at, chars)).await);
        let health = store.health();
        assert!(health.check().await.is_err() && health.is_vital());

        for number in 0..full_at {
            delete(store, &prediction_of(number, chars)).await.unwrap();
        }
        publish_and_purge(store).await;
        keep(store, &[prediction_of(full_at, chars)]).await.unwrap();
        assert!(has(store, &prediction_of(full_at, chars)).await);
        health.check().await.unwrap();
        delete(store, &prediction_of(full_at, chars)).await.unwrap();
        publish_and_purge(store).await;
    }
}

/// What the relay does: otherwise the events would keep the store full.
async fn publish_and_purge(store: &SqliteStore) {
    let lease = store.leases().acquire("relay", "me", Duration::from_secs(10)).await.unwrap().unwrap();
    let waiting = store.outbox().list_unpublished(1_000_000).await.unwrap();
    let ids: Vec<_> = waiting.iter().map(|event| event.event_id).collect();
    store.outbox().mark_published(&lease, &ids).await.unwrap();
    let purged = store.outbox().purge_published(Duration::ZERO, 1_000_000).await.unwrap();
    assert_eq!(purged, ids.len() as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delete_goes_through_beside_inserts_that_find_no_room() {
    let harness = SqliteHarness::start_with(|settings| settings.max_size_bytes = Some(1 << 20)).await;
    let store = &harness.store;
    let full_at = fill(store, 10).await;
    let big = prediction_of(full_at, 100_000);
    for number in 0..20 {
        let gone = prediction_of(number, 10);
        let (too_much, deleted) = tokio::join!(keep(store, std::slice::from_ref(&big)), delete(store, &gone));
        assert!(is_unavailable(&too_much));
        deleted.unwrap();
    }
}

#[tokio::test]
async fn a_read_only_store_reads_and_refuses_to_write() {
    let harness = SqliteHarness::start().await;
    keep(&harness.store, &[prediction(1)]).await.unwrap();
    let store = harness.open_again("?mode=ro").await;
    for _ in 0..2 {
        assert!(is_unavailable(&keep(&store, &[prediction(2)]).await));
        assert!(is_unavailable(&delete(&store, &prediction(1)).await));
        assert!(has(&store, &prediction(1)).await);
    }
    assert!(store.leases().acquire("relay", "me", Duration::from_secs(1)).await.is_err());
    assert_eq!(store.migrator().up().await.unwrap(), 0);
    assert!(store.migrator().down(1).await.is_err());
}

#[tokio::test]
async fn a_store_for_reading_only_degrades_the_service_and_one_that_cannot_be_read_fails_it() {
    let harness = SqliteHarness::start().await;
    let store = harness.open_again("?mode=ro").await;
    let health = store.health();
    assert!(health.check().await.is_err());
    assert!(!health.is_vital());

    let mut other = SqliteConnectOptions::new().filename(harness.store.path()).connect().await.unwrap();
    other.execute("ALTER TABLE predictions RENAME TO elsewhere").await.unwrap();
    assert!(health.check().await.is_err());
    assert!(health.is_vital());
}

#[tokio::test]
async fn a_store_that_cannot_be_written_any_more_is_unhealthy_until_it_can() {
    let harness = SqliteHarness::start_with(|settings| settings.timeout = Duration::from_millis(300)).await;
    let health = harness.store.health();
    health.check().await.unwrap();
    let mut other = SqliteConnectOptions::new().filename(harness.store.path()).connect().await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    assert!(is_unavailable(&keep(&harness.store, &[prediction(1)]).await));
    let start = Instant::now();
    // The caller gives up at the same moment as the writer.
    while health.check().await.is_ok() {
        assert!(start.elapsed() < Duration::from_mins(1));
    }
    assert!(health.is_vital());
    other.execute("ROLLBACK").await.unwrap();
    while health.check().await.is_err() {
        assert!(start.elapsed() < Duration::from_mins(1));
    }
}

#[tokio::test]
async fn a_healthy_store_is_checked_without_a_trace_and_seldom_by_a_write() {
    let harness = SqliteHarness::start().await;
    let store = &harness.store;
    let mut other = SqliteConnectOptions::new().filename(store.path()).connect().await.unwrap();
    // Changes with every commit of another connection.
    let mut version =
        async || -> i64 { sqlx::query_scalar("PRAGMA data_version").fetch_one(&mut other).await.unwrap() };
    keep(store, &[prediction(1)]).await.unwrap();
    let before = version().await;
    for _ in 0..20 {
        store.health().check().await.unwrap();
    }
    // A few seconds after a write that came through another is due; twenty looks take far less.
    assert!(version().await - before <= 1);
    let leases: i64 = {
        let mut other = SqliteConnectOptions::new().filename(store.path()).connect().await.unwrap();
        sqlx::query_scalar("SELECT count(*) FROM leases").fetch_one(&mut other).await.unwrap()
    };
    assert_eq!(leases, 0);
}

#[tokio::test]
async fn a_missing_file_is_not_made_where_nothing_may_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("none/undertone.db");
    let settings = SqliteSettings::new(format!("{}?mode=ro", url(&file)));
    let error = SqliteStore::open(&settings).await.err().unwrap();
    assert!(matches!(&error, OpenError::Open { path, .. } if *path == file), "{error}");
    assert!(!file.parent().unwrap().exists());
}

#[tokio::test]
async fn an_address_of_something_else_is_refused() {
    for bad in ["postgres://localhost/db", "sqlite:file.db?mode=sometimes", "sqlite:file.db?what=1"] {
        let error = SqliteStore::open(&SqliteSettings::new(bad)).await.err().unwrap();
        assert!(matches!(error, OpenError::Url(_)), "{bad}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_somebody_else_holds_is_unavailable_within_the_timeout_and_then_works_again() {
    let timeout = Duration::from_millis(300);
    let harness = SqliteHarness::start_with(|settings| settings.timeout = timeout).await;
    let store = &harness.store;
    let options = SqliteConnectOptions::new().filename(store.path());
    let mut other = options.connect().await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();

    let start = Instant::now();
    assert!(is_unavailable(&keep(store, &[prediction(1)]).await));
    assert!(start.elapsed() < timeout * 3);
    assert!(!has(store, &prediction(1)).await);

    other.execute("ROLLBACK").await.unwrap();
    let mut outcome = keep(store, &[prediction(2)]).await;
    while is_unavailable(&outcome) && start.elapsed() < timeout * 20 {
        outcome = keep(store, &[prediction(2)]).await;
    }
    assert!(has(store, &prediction(2)).await);
}

#[tokio::test]
async fn a_row_that_nobody_should_have_written_is_corrupt_and_names_its_column() {
    let harness = SqliteHarness::start().await;
    keep(&harness.store, &[prediction(1)]).await.unwrap();
    let options = SqliteConnectOptions::new().filename(harness.store.path());
    let mut other = options.connect().await.unwrap();
    for (change, expected) in [
        ("UPDATE predictions SET metadata = '[1]'", "metadata"),
        ("UPDATE predictions SET metadata = '{}', labels = '{}'", "labels"),
        ("UPDATE predictions SET labels = '[]', tokens = 5000000000", "tokens"),
        ("UPDATE predictions SET tokens = 1, ref = char(10)", "ref"),
    ] {
        other.execute(change).await.unwrap();
        let (tenant, predictions) = (TenantId::default(), harness.predictions());
        let found = predictions.find(&tenant, prediction(1).id()).await;
        let Err(StoreError::Corrupt { table, column, id }) = found else { panic!("{expected} was read") };
        assert_eq!((table, column, id), ("predictions", expected, prediction(1).id().to_string()));
    }
}
