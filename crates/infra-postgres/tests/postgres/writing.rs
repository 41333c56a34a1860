//! Servers that stop accepting durable writes while the store is open.

use std::sync::Arc;

use application::action::chain;
use application::ports::{HealthCheck, StoreError, WriteStore};
use domain::entities::Prediction;
use domain::value_objects::TenantId;
use infra_postgres::PostgresStore;
use sqlx::{Executor, PgConnection};
use store_contract::StoreHarness;
use store_contract::samples::Samples;
use testkit::CapturedLog;
use tracing::Level;

use crate::harness::{LIMIT, PostgresHarness, insert};

/// Makes the store reconnect, as after a failover.
async fn end_connections(store: &PostgresHarness) {
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND application_name = 'undertone'";
    store.database.connect().await.execute(end).await.unwrap();
}

async fn commit(writes: &Arc<dyn WriteStore>, prediction: &Prediction) -> Result<(), StoreError> {
    insert(writes, std::slice::from_ref(prediction)).await
}

/// The error of a refused commit, with its causes.
fn refusal(outcome: Result<(), StoreError>) -> String {
    let error = outcome.expect_err("refused");
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    chain(&error)
}

async fn wait_until_healthy(health: &dyn HealthCheck) {
    let wait = async { while health.check().await.is_err() {} };
    tokio::time::timeout(LIMIT, wait).await.expect("healthy again");
}

async fn count(beside: &mut PgConnection) -> i64 {
    let rows = "SELECT (SELECT count(*) FROM predictions) + (SELECT count(*) FROM outbox)";
    sqlx::query_scalar(rows).fetch_one(beside).await.unwrap()
}

#[tokio::test]
async fn a_server_that_stops_waiting_for_the_disk_is_not_written_to() {
    let log = CapturedLog::start();
    let store = PostgresHarness::start().await;
    let (writes, health, mut samples) = (store.writes(), store.store.health(), Samples::new());
    commit(&writes, &samples.one()).await.unwrap();

    store.database.set("synchronous_commit = off").await;
    end_connections(&store).await;
    for _ in 0..5 {
        let reason = refusal(commit(&writes, &samples.one()).await);
        assert!(reason.contains("synchronous_commit is off"), "{reason}");
    }
    health.check().await.unwrap_err();
    let refusals = || {
        let lines = log.lines().into_iter();
        lines.filter(|line| line.level == Level::ERROR && line.message.contains("does not write to")).count()
    };
    assert_eq!(refusals(), 1, "logged once");

    store.database.set("synchronous_commit = on").await;
    wait_until_healthy(health.as_ref()).await;
    commit(&writes, &samples.one()).await.unwrap();
    assert_eq!(refusals(), 1);
}

#[tokio::test]
async fn a_server_that_stops_waiting_for_the_disk_is_written_to_if_that_is_allowed() {
    let store = PostgresHarness::start_with(|settings| settings.allow_unsafe = true).await;
    store.database.set("synchronous_commit = off").await;
    end_connections(&store).await;
    wait_until_healthy(store.store.health().as_ref()).await;
    commit(&store.writes(), &Samples::new().one()).await.unwrap();
}

#[tokio::test]
async fn a_server_that_became_read_only_is_unhealthy_and_still_read() {
    let store = PostgresHarness::start().await;
    let (writes, health, mut samples) = (store.writes(), store.store.health(), Samples::new());
    let prediction = samples.one();
    commit(&writes, &prediction).await.unwrap();
    health.check().await.unwrap();

    store.database.set("default_transaction_read_only = on").await;
    end_connections(&store).await;
    for _ in 0..3 {
        health.check().await.unwrap_err();
        let reason = refusal(commit(&writes, &samples.one()).await);
        assert!(reason.contains("read-only"), "{reason}");
        let found = store.predictions().find(&TenantId::default(), prediction.id()).await.unwrap();
        assert!(found.is_some());
    }

    let writable = "default_transaction_read_only = off";
    let mut admin = store.database.connect().await;
    admin.execute("SET default_transaction_read_only = off").await.unwrap();
    store.database.set_over(&mut admin, writable).await;
    wait_until_healthy(health.as_ref()).await;
    commit(&writes, &samples.one()).await.unwrap();
}

#[tokio::test]
async fn a_read_only_server_is_opened_and_read() {
    let store = PostgresHarness::start().await;
    let prediction = Samples::new().one();
    commit(&store.writes(), &prediction).await.unwrap();
    store.database.set("default_transaction_read_only = on").await;
    let reader = PostgresStore::open(&store.database.settings()).await.unwrap();
    let found = reader.predictions().find(&TenantId::default(), prediction.id()).await.unwrap();
    assert_eq!(found, Some((&prediction).into()));
    refusal(commit(&reader.writes(), &Samples::new().one()).await);
    reader.health().check().await.unwrap_err();
}

/// SQLSTATE 53100, as a full disk gives it.
const FULL: &str = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
    RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$; \
    CREATE TRIGGER full_disk BEFORE INSERT ON predictions FOR EACH ROW EXECUTE FUNCTION full_disk()";

#[tokio::test]
async fn a_full_store_is_unhealthy_until_there_is_space() {
    let store = PostgresHarness::start().await;
    let (writes, health, mut samples) = (store.writes(), store.store.health(), Samples::new());
    let mut beside = store.database.connect().await;
    beside.execute(FULL).await.unwrap();
    health.check().await.unwrap();
    let reason = refusal(commit(&writes, &samples.one()).await);
    assert!(reason.contains("No space left"), "{reason}");
    for _ in 0..3 {
        health.check().await.unwrap_err();
    }
    beside.execute("DROP TRIGGER full_disk ON predictions").await.unwrap();
    health.check().await.unwrap();
    assert_eq!(count(&mut beside).await, 0, "nothing is left by the checks");
    commit(&writes, &samples.one()).await.unwrap();
}

#[tokio::test]
async fn the_health_check_of_a_store_that_works_writes_nothing() {
    let store = PostgresHarness::start().await;
    commit(&store.writes(), &Samples::new().one()).await.unwrap();
    let mut beside = store.database.connect().await;
    // Every insertion takes a number, even one that is rolled back.
    let number = "SELECT last_value FROM outbox_seq_seq";
    let before: i64 = sqlx::query_scalar(number).fetch_one(&mut beside).await.unwrap();
    for _ in 0..5 {
        store.store.health().check().await.unwrap();
    }
    let after: i64 = sqlx::query_scalar(number).fetch_one(&mut beside).await.unwrap();
    assert_eq!(after, before);
}
