//! The schema's own ways.

use infra_postgres::PostgresStore;
use sqlx::Executor;
use store_contract::samples::Samples;

use crate::database::TestDatabase;
use crate::harness::{PostgresHarness, keep};
use store_contract::StoreHarness;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_bring_an_empty_database_up_at_once() {
    let database = TestDatabase::create().await;
    let one = PostgresStore::open(&database.settings()).await.unwrap();
    let other = PostgresStore::open(&database.settings()).await.unwrap();
    let (one_migrator, other_migrator) = (one.migrator(), other.migrator());
    let (by_one, by_other) = tokio::join!(one_migrator.up(), other_migrator.up());
    let mut applied = [by_one.unwrap(), by_other.unwrap()];
    applied.sort_unstable();
    assert_eq!(applied, [0, 4]);
    keep(&one.units(), &[Samples::new().one()]).await.unwrap();
    assert!(other.migrator().status().await.unwrap().iter().all(|step| step.applied));
}

#[tokio::test]
async fn the_status_of_an_empty_database_is_told_without_changing_it() {
    let database = TestDatabase::create().await;
    let store = PostgresStore::open(&database.settings()).await.unwrap();
    let steps = store.migrator().status().await.unwrap();
    let names: Vec<_> = steps.iter().map(|step| (step.version, step.description.as_str())).collect();
    assert_eq!(names, [(1, "predictions"), (2, "outbox"), (3, "leases"), (4, "options")]);
    assert!(steps.iter().all(|step| !step.applied));
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        .fetch_one(&mut database.connect().await)
        .await
        .unwrap();
    assert_eq!(tables, 0);
}

#[tokio::test]
async fn steps_of_a_newer_release_are_left_alone() {
    let store = PostgresHarness::start().await;
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 VALUES (9999, 'newer', true, '\\x00', 0)";
    let mut beside = store.database.connect().await;
    beside.execute(newer).await.unwrap();
    let migrator = store.store.migrator();
    assert_eq!(migrator.up().await.unwrap(), 0);
    assert_eq!(migrator.status().await.unwrap().len(), 4);
    assert_eq!(migrator.down(1).await.unwrap(), 1);
    let versions: Vec<i64> = sqlx::query_scalar("SELECT version FROM _sqlx_migrations ORDER BY version")
        .fetch_all(&mut beside)
        .await
        .unwrap();
    assert_eq!(versions, [1, 2, 3, 9999]);
}

#[tokio::test]
async fn a_step_that_was_changed_after_it_was_applied_is_told() {
    let store = PostgresHarness::start().await;
    let change = "UPDATE _sqlx_migrations SET checksum = '\\x00' WHERE version = 2";
    store.database.connect().await.execute(change).await.unwrap();
    assert!(store.store.migrator().up().await.is_err());
}
