use std::path::Path;

use application::ports::{MigrationStep, SchemaError, StepState};
use infra_sqlite::{SqliteSettings, SqliteStore};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Executor, SqliteConnection};
use store_contract::StoreHarness;
use store_contract::samples::key_id;

use crate::harness::{SqliteHarness, url};
use crate::samples::{has, insert, prediction};

async fn open(file: &Path) -> SqliteStore {
    SqliteStore::open(&SqliteSettings::new(url(file))).await.unwrap()
}

fn applied(steps: &[MigrationStep]) -> usize {
    steps.iter().filter(|step| step.state == StepState::Applied).count()
}

#[tokio::test]
async fn the_schema_is_migrated_up_and_down_and_up_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("undertone.db")).await;
    let migrator = store.migrator();
    let steps = migrator.status().await.unwrap();
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
    assert_eq!(applied(&steps), 0);

    assert!(store.health().check().await.is_err());
    assert_eq!(migrator.up().await.unwrap(), 8);
    assert_eq!(migrator.up().await.unwrap(), 0);
    store.health().check().await.unwrap();
    insert(&store, &[prediction(1)]).await.unwrap();

    assert_eq!(migrator.down(1).await.unwrap(), 1);
    assert_eq!(applied(&migrator.status().await.unwrap()), 7);
    assert_eq!(migrator.up().await.unwrap(), 1);
    assert!(has(&store, &prediction(1)).await);
    assert_eq!(migrator.down(9).await.unwrap(), 8);
    assert_eq!(migrator.down(1).await.unwrap(), 0);

    assert_eq!(migrator.up().await.unwrap(), 8);
    assert!(!has(&store, &prediction(1)).await);
    insert(&store, &[prediction(1)]).await.unwrap();
    assert!(has(&store, &prediction(1)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_may_open_and_migrate_an_empty_database_at_once() {
    for _ in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("undertone.db");
        let (one, other) = tokio::join!(open(&file), open(&file));
        let (one_migrator, other_migrator) = (one.migrator(), other.migrator());
        let (by_one, by_other) = tokio::join!(one_migrator.up(), other_migrator.up());
        assert_eq!(by_one.unwrap() + by_other.unwrap(), 8);
        let (by_one, by_other) = tokio::join!(one_migrator.down(6), other_migrator.down(6));
        assert_eq!(by_one.unwrap() + by_other.unwrap(), 8);
    }
}

/// A process of the release before works beside one that has applied the step.
#[tokio::test]
async fn the_last_steps_change_nothing_that_the_release_before_uses() {
    let harness = SqliteHarness::start_with(|_| {}).await;
    let mut beside = SqliteConnectOptions::new().filename(harness.store.path()).connect().await.unwrap();
    beside
        .execute(
            "INSERT INTO tenants (name, status, created_at) VALUES ('ann', 'active', 0); \
             INSERT INTO api_keys (id, tenant, scopes, secret_hash, created_at) \
             VALUES ('k00000000001', 'ann', '', zeroblob(32), 0)",
        )
        .await
        .unwrap();
    let key = harness.keys().find(&key_id(1)).await.unwrap().unwrap();
    assert!(key.tenant_limits.is_unlimited() && key.key.limits.is_unlimited());
    // The step 0007 changes two tables: no replica of another release shares the file. The step 0006 adds a column to
    // two tables.
    let steps = [(8, &[][..]), (7, &["outbox", "outbox_feed"]), (6, &["tenants", "api_keys"]), (5, &[])];
    for (step, changed) in steps {
        let after = schema(&mut beside).await;
        assert_eq!(harness.store.migrator().down(1).await.unwrap(), 1);
        let before = schema(&mut beside).await;
        let is_there =
            |object: &(String, String)| changed.contains(&object.0.as_str()) || after.contains(object);
        assert!(before.len() > 10 && before.iter().all(is_there), "{step}: {before:#?}");
    }
}

/// The objects of the schema: their names and statements.
async fn schema(connection: &mut SqliteConnection) -> Vec<(String, String)> {
    let schema = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
    sqlx::query_as(schema).fetch_all(connection).await.unwrap()
}

#[tokio::test]
async fn a_step_that_was_applied_with_other_content_is_refused() {
    let harness = SqliteHarness::start_with(|_| {}).await;
    let mut other = SqliteConnectOptions::new().filename(harness.store.path()).connect().await.unwrap();
    other.execute("UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 4").await.unwrap();
    other.execute("DELETE FROM _sqlx_migrations WHERE version >= 5").await.unwrap();
    let migrator = harness.store.migrator();
    assert!(matches!(migrator.up().await, Err(SchemaError::AlteredStep { version: 4, .. })));
    assert!(matches!(migrator.down(1).await, Err(SchemaError::AlteredStep { version: 4, .. })));
    let states: Vec<_> = migrator.status().await.unwrap().into_iter().map(|step| step.state).collect();
    assert_eq!(states[..3], [StepState::Applied; 3]);
    assert_eq!(
        states[3..],
        [StepState::Altered, StepState::Missing, StepState::Missing, StepState::Missing, StepState::Missing]
    );
}
