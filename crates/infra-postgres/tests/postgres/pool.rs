//! The pool: how connections are shared, and which runtime drives them.

use std::sync::Arc;
use std::time::Duration;

use application::ports::{LeaseRepository, PredictionFilter, PredictionReadModel, StoreError};
use domain::value_objects::TenantId;
use infra_postgres::PostgresSettings;
use sqlx::{Executor, PgConnection};
use store_contract::StoreHarness;
use store_contract::samples::Samples;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use crate::harness::{LIMIT, PostgresHarness, insert, wait_until};

/// Replaces `predictions` by a view that selects rows by `filter`, an expression in SQL.
async fn filter_reads_by(beside: &mut PgConnection, filter: &'static str) {
    let view = format!(
        "ALTER TABLE predictions RENAME TO all_predictions; \
         CREATE VIEW predictions AS SELECT * FROM all_predictions WHERE {filter}"
    );
    beside.execute(sqlx::AssertSqlSafe(view)).await.unwrap();
}

/// A store with one prediction, in which only lists are slow: they take a minute.
async fn with_slow_lists(change: impl FnOnce(&mut PostgresSettings)) -> (PostgresHarness, PgConnection) {
    let store = PostgresHarness::start_with(change).await;
    insert(&store.writes(), &[Samples::new().one()]).await.unwrap();
    let mut beside = store.database.connect().await;
    filter_reads_by(
        &mut beside,
        "CASE WHEN current_query() LIKE '%ORDER BY id%' THEN pg_sleep(60) IS NOT NULL ELSE true END",
    )
    .await;
    (store, beside)
}

async fn list(predictions: Arc<dyn PredictionReadModel>) -> Result<usize, StoreError> {
    let filter = PredictionFilter::default();
    predictions.list(&TenantId::default(), &filter, None, 10).await.map(|page| page.items.len())
}

/// Counts the lists that the server runs now.
const RUNNING_LISTS: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
    AND state = 'active' AND query LIKE '%ORDER BY id%' AND pid <> pg_backend_pid()";

/// The number of lists that the server is running.
async fn running_lists(beside: &mut PgConnection) -> i64 {
    sqlx::query_scalar(RUNNING_LISTS).fetch_one(beside).await.unwrap()
}

async fn wait_for_running_lists(beside: &mut PgConnection, expected: i64) {
    wait_until(beside, &format!("SELECT ({RUNNING_LISTS}) = {expected}")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_lists_leave_connections_to_the_others() {
    let (store, mut beside) = with_slow_lists(|settings| {
        settings.max_connections = 4;
        settings.timeout = Duration::from_secs(8);
    })
    .await;
    let mut lists: JoinSet<_> = (0..16).map(|_| list(store.predictions())).collect();
    wait_for_running_lists(&mut beside, 2).await;
    let prediction = Samples::new().one();
    let tenant = TenantId::default();
    let predictions = store.predictions();
    for _ in 0..10 {
        assert!(predictions.find(&tenant, prediction.id()).await.unwrap().is_some());
    }
    store.event_feed().read(None, 0, 10).await.unwrap();
    let leases: Arc<dyn LeaseRepository> = store.leases();
    let ttl = Duration::from_secs(10);
    assert!(leases.acquire("relay", "me", ttl).await.unwrap().is_some());
    insert(&store.writes(), &[Samples::new().many(2).remove(1)]).await.unwrap();
    assert_eq!(running_lists(&mut beside).await, 2, "the lists were not running all the time");
    while let Some(listed) = lists.join_next().await {
        assert!(matches!(listed.unwrap(), Err(StoreError::Unavailable { .. })));
    }
    wait_for_running_lists(&mut beside, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abandoned_list_ends_on_the_server() {
    let (store, mut beside) = with_slow_lists(|settings| settings.timeout = LIMIT * 2).await;
    let listing = tokio::spawn(list(store.predictions()));
    wait_for_running_lists(&mut beside, 1).await;
    listing.abort();
    tokio::time::timeout(LIMIT / 2, wait_for_running_lists(&mut beside, 0)).await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abandoned_lists_do_not_accumulate_on_the_server() {
    let (store, mut beside) = with_slow_lists(|settings| {
        settings.max_connections = 4;
        settings.timeout = LIMIT;
    })
    .await;
    for _ in 0..12 {
        let callers: JoinSet<_> = (0..4).map(|_| list(store.predictions())).collect();
        wait_until(&mut beside, &format!("SELECT ({RUNNING_LISTS}) > 0")).await;
        drop(callers);
        let running = running_lists(&mut beside).await;
        // Two that run, and two whose abandonment the server has yet to notice.
        assert!(running <= 4, "{running} lists run");
    }
}

#[test]
fn a_connection_outlives_the_runtime_that_requested_it() {
    let stores = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let callers = Builder::new_current_thread().enable_all().build().unwrap();
    let store = stores.block_on(PostgresHarness::start_with(|settings| settings.max_connections = 1));
    assert_eq!(callers.block_on(list(store.predictions())).unwrap(), 0);
    drop(callers);
    for _ in 0..3 {
        assert_eq!(stores.block_on(list(store.predictions())).unwrap(), 0);
    }
    stores.block_on(async { store.store.close().await });
}

#[tokio::test]
async fn queries_run_with_the_settings_of_readers() {
    let change = |settings: &mut PostgresSettings| settings.timeout = Duration::from_millis(4_500);
    let store = PostgresHarness::start_with(change).await;
    insert(&store.writes(), &[Samples::new().one()]).await.unwrap();
    let mut beside = store.database.connect().await;
    let see = "CREATE TABLE seen (name text, value text, source text); \
               CREATE FUNCTION see() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN \
               INSERT INTO seen SELECT name, setting, source FROM pg_settings; RETURN true; END $$";
    beside.execute(see).await.unwrap();
    filter_reads_by(&mut beside, "see()").await;
    assert_eq!(list(store.predictions()).await.unwrap(), 1);
    for (name, expected) in [
        ("jit", "off"),
        ("statement_timeout", "4500"),
        ("idle_in_transaction_session_timeout", "4500"),
        ("plan_cache_mode", "force_custom_plan"),
        ("max_parallel_workers_per_gather", "0"),
    ] {
        let seen: (String, String) = sqlx::query_as("SELECT value, source FROM seen WHERE name = $1")
            .bind(name)
            .fetch_one(&mut beside)
            .await
            .unwrap();
        // Not `client`: start-up parameters do not pass PgBouncer.
        assert_eq!(seen, (expected.to_owned(), "session".to_owned()), "{name}");
    }
}
