//! Lists that would never end: they stop within the store's timeout, or when their future is dropped, and delay neither
//! reads by id nor health checks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use application::ports::{PredictionFilter, PredictionPage, StoreError};
use domain::value_objects::{Confidence, TenantId};
use infra_sqlite::{SqliteSettings, SqliteStore};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Executor};
use tokio::task::JoinSet;

use crate::harness::SqliteHarness;
use crate::samples::{has, insert, prediction};

/// Long enough that no read by id ever needs it, even on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Enough that a list of all of them takes long.
const ROWS: u32 = 50_000;

/// A store of two predictions in which every list runs forever: the table is replaced by a view that counts endlessly
/// once it reaches the prediction number 2.
pub(crate) async fn store_with_endless_lists(change: impl FnOnce(&mut SqliteSettings)) -> SqliteHarness {
    let harness = SqliteHarness::start_with(change).await;
    insert(&harness.store, &[prediction(1), prediction(2)]).await.unwrap();
    let mut other = SqliteConnectOptions::new().filename(harness.store.path()).connect().await.unwrap();
    for statement in [
        "UPDATE predictions SET confidence = 0.95 WHERE row = 2",
        "ALTER TABLE predictions RENAME TO stored_predictions",
        "CREATE VIEW predictions AS SELECT * FROM stored_predictions AS stored WHERE confidence < 0.9 OR 0 < \
         (WITH RECURSIVE endless(n) AS (SELECT stored.row UNION ALL SELECT n + 1 FROM endless) \
         SELECT count(*) FROM endless)",
    ] {
        other.execute(statement).await.unwrap();
    }
    harness
}

async fn list(store: &SqliteStore) -> Result<PredictionPage, StoreError> {
    store.predictions().list(&TenantId::default(), &PredictionFilter::default(), None, 20).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_takes_too_long_is_unavailable_and_its_statement_ends() {
    let timeout = Duration::from_millis(300);
    let harness = store_with_endless_lists(|settings| settings.timeout = timeout).await;
    let store = Arc::new(harness.store);
    for _ in 0..3 {
        let mut lists = JoinSet::new();
        for _ in 0..8 {
            let store = Arc::clone(&store);
            lists.spawn(async move { list(&store).await });
        }
        let outcomes = lists.join_all().await;
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Err(StoreError::Unavailable { .. }))));
    }
    // A statement that was still running would leave its connection, and the file, open.
    store.close().await;
    let start = Instant::now();
    while open_files(store.path()) > 0 {
        assert!(start.elapsed() < Duration::from_mins(1), "a statement never ended");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The handles that this process has on `file`.
fn open_files(file: &std::path::Path) -> usize {
    let file = file.canonicalize().unwrap();
    let handles = std::fs::read_dir("/proc/self/fd").unwrap();
    let targets = handles.filter_map(|handle| std::fs::read_link(handle.ok()?.path()).ok());
    targets.filter(|target| *target == file).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn running_lists_delay_neither_reads_by_id_nor_health_checks() {
    let harness = store_with_endless_lists(|settings| settings.timeout = TIMEOUT).await;
    let store = Arc::new(harness.store);
    let mut lists = JoinSet::new();
    for _ in 0..16 {
        let store = Arc::clone(&store);
        lists.spawn(async move { list(&store).await });
    }
    for _ in 0..50 {
        assert!(has(&store, &prediction(1)).await);
        store.health().check().await.unwrap();
    }
    assert!(lists.try_join_next().is_none(), "a list ended, so it was not running all the time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abandoned_list_ends_and_frees_its_connection() {
    let harness = store_with_endless_lists(|settings| settings.timeout = TIMEOUT).await;
    let store = &harness.store;
    for _ in 0..8 {
        assert!(tokio::time::timeout(Duration::from_millis(200), list(store)).await.is_err());
    }
    let filter = PredictionFilter {
        max_confidence: prediction(1).result().confidence(),
        ..PredictionFilter::default()
    };
    let one_row = store.predictions().list(&TenantId::default(), &filter, None, 1).await.unwrap();
    assert_eq!(one_row.items[0].prediction.id, prediction(1).id());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_ends_running_lists() {
    let harness = store_with_endless_lists(|settings| settings.timeout = TIMEOUT).await;
    let store = Arc::new(harness.store);
    let mut lists = JoinSet::new();
    for _ in 0..16 {
        let store = Arc::clone(&store);
        lists.spawn(async move { list(&store).await });
    }
    assert!(has(&store, &prediction(1)).await);
    tokio::time::timeout(TIMEOUT / 2, store.close()).await.unwrap();
    assert!(lists.join_all().await.iter().all(Result::is_err));
}

/// Adds `rows` predictions that no list with a confidence of at least 0.9 returns.
async fn fill(store: &SqliteStore, rows: u32) {
    let mut other = SqliteConnectOptions::new().filename(store.path()).connect().await.unwrap();
    let fill = "INSERT INTO predictions (tenant, id, metadata, sentiment, confidence, score_positive, labels, model_name, \
         model_revision, tokens, windows, truncated, cached, created_at, text) \
         WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?1) \
         SELECT 'default', CAST(printf('%016d', n) AS BLOB), '{}', 'positive', 0.7, 0.7, '[]', 'm', 'r', 9, 1, 0, 0, n, \
         'One of many rows, number ' || n FROM numbers";
    sqlx::query(fill).bind(rows).execute(&mut other).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_by_id_health_and_writes_continue_beside_lists_that_scan_all_rows() {
    let harness = SqliteHarness::start_with(|settings| settings.timeout = TIMEOUT).await;
    fill(&harness.store, ROWS).await;
    let (store, done) = (Arc::new(harness.store), Arc::new(AtomicBool::new(false)));
    insert(&store, &[prediction(0)]).await.unwrap();
    let mut lists = JoinSet::new();
    for _ in 0..16 {
        let (store, done) = (Arc::clone(&store), Arc::clone(&done));
        lists.spawn(async move {
            let min_confidence = Confidence::try_new("confidence", 0.9).ok();
            let filter = PredictionFilter { min_confidence, ..PredictionFilter::default() };
            let mut scans = 0;
            while !done.load(Ordering::Relaxed) {
                let page = store.predictions().list(&TenantId::default(), &filter, None, 20).await;
                scans += usize::from(page.is_ok_and(|page| page.items.is_empty()));
            }
            scans
        });
    }
    for number in 1..200 {
        insert(&store, &[prediction(number)]).await.unwrap();
        assert!(has(&store, &prediction(number)).await);
        store.health().check().await.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    assert!(lists.join_all().await.into_iter().sum::<usize>() > 0, "no list was read to its end");
}
