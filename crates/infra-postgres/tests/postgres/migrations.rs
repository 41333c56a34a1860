//! Migrating the schema.

use application::ports::{SchemaError, StepState};
use infra_postgres::PostgresStore;
use sqlx::Executor;
use store_contract::samples::Samples;

use crate::database::TestDatabase;
use crate::harness::{PostgresHarness, insert};
use store_contract::StoreHarness;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_migrate_an_empty_database_at_once() {
    let database = TestDatabase::create().await;
    let one = PostgresStore::open(&database.settings()).await.unwrap();
    let other = PostgresStore::open(&database.settings()).await.unwrap();
    let (one_migrator, other_migrator) = (one.migrator(), other.migrator());
    let (by_one, by_other) = tokio::join!(one_migrator.up(), other_migrator.up());
    let mut applied = [by_one.unwrap(), by_other.unwrap()];
    applied.sort_unstable();
    assert_eq!(applied, [0, 8]);
    insert(&one.writes(), &[Samples::new().one()]).await.unwrap();
    assert!(other.migrator().status().await.unwrap().iter().all(|step| step.state == StepState::Applied));
}

#[tokio::test]
async fn the_status_of_an_empty_database_is_reported_without_changing_it() {
    let database = TestDatabase::create().await;
    let store = PostgresStore::open(&database.settings()).await.unwrap();
    let steps = store.migrator().status().await.unwrap();
    let names: Vec<_> = steps.iter().map(|step| (step.version, step.description.as_str())).collect();
    assert_eq!(
        names,
        [
            (1, "predictions"),
            (2, "outbox"),
            (3, "leases"),
            (4, "options"),
            (5, "tenants keys audit"),
            (6, "limits and idempotency"),
            (7, "event feed"),
            (8, "rollups"),
        ]
    );
    assert!(steps.iter().all(|step| step.state == StepState::Missing));
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        .fetch_one(&mut database.connect().await)
        .await
        .unwrap();
    assert_eq!(tables, 0);
}

#[tokio::test]
async fn a_step_that_was_applied_with_other_content_is_refused() {
    let store = PostgresHarness::start().await;
    let change = "UPDATE _sqlx_migrations SET checksum = '\\x00' WHERE version = 8";
    store.database.connect().await.execute(change).await.unwrap();
    let migrator = store.store.migrator();
    assert!(matches!(migrator.up().await, Err(SchemaError::AlteredStep { version: 8, .. })));
    assert!(matches!(migrator.down(1).await, Err(SchemaError::AlteredStep { version: 8, .. })));
    assert_eq!(migrator.status().await.unwrap()[7].state, StepState::Altered);
}
