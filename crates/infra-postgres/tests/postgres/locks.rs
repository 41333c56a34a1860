//! Changes of the schema beside reads and writes.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use application::ports::{PredictionFilter, SchemaError, SchemaMigrator};
use domain::value_objects::TenantId;
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Executor, PgConnection};
use store_contract::StoreHarness;
use store_contract::samples::{Samples, key_id};
use tokio::task::JoinHandle;

use crate::database::TestDatabase;
use crate::harness::{PostgresHarness, insert, wait_until};

/// Three rows, in the columns of the first release.
const INSERT_AS_BEFORE: &str = "INSERT INTO predictions (tenant, id, created_at, labels, model_name, model_revision, \
     tokens, windows, truncated, cached, metadata, text, terms) SELECT 'default', gen_random_uuid(), now(), '[]', 'm', \
     'r', 0, 0, false, false, '{}', 'a text', '' FROM generate_series(1, 3)";

/// A store with rows, whose steps from 0004 on were reverted.
async fn filled_below_step_4(samples: &mut Samples) -> PostgresHarness {
    let store = PostgresHarness::start().await;
    insert(&store.writes(), &samples.many(100)).await.unwrap();
    assert_eq!(store.store.migrator().down(5).await.unwrap(), 5);
    store
}

fn start(migrator: Arc<dyn SchemaMigrator>) -> JoinHandle<Result<usize, SchemaError>> {
    tokio::spawn(async move { migrator.up().await })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_and_writers_continue_while_a_step_reads_the_table() {
    let mut samples = Samples::new();
    let store = filled_below_step_4(&mut samples).await;
    let mut beside = store.database.connect().await;
    // The step stops after reading the table, with its locks, until this session releases the advisory lock.
    beside
        .execute(
            "CREATE FUNCTION hold() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN \
               IF current_query() LIKE '%VALIDATE CONSTRAINT%' THEN \
                 PERFORM set_config('lock_timeout', '0', true); \
                 PERFORM pg_advisory_xact_lock(4711); \
               END IF; \
             END $$; \
             CREATE EVENT TRIGGER hold ON ddl_command_end EXECUTE FUNCTION hold(); \
             SELECT pg_advisory_lock(4711)",
        )
        .await
        .unwrap();
    let up = start(store.store.migrator());
    wait_until(
        &mut beside,
        "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted \
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))",
    )
    .await;

    let modes: Vec<String> = sqlx::query_scalar(
        "SELECT mode FROM pg_locks WHERE relation = 'predictions'::regclass AND pid <> pg_backend_pid()",
    )
    .fetch_all(&mut beside)
    .await
    .unwrap();
    assert!(modes.contains(&"ShareUpdateExclusiveLock".to_owned()), "{modes:?}");
    assert!(!modes.contains(&"AccessExclusiveLock".to_owned()), "{modes:?}");
    // This release writes once all steps are applied; the ones before write meanwhile.
    beside.execute(INSERT_AS_BEFORE).await.unwrap();
    let (tenant, everything) = (TenantId::default(), PredictionFilter::default());
    let page = store.predictions().list(&tenant, &everything, None, 200).await.unwrap();
    assert_eq!(page.items.len(), 103);
    assert!(!up.is_finished());

    beside.execute("SELECT pg_advisory_unlock(4711)").await.unwrap();
    assert_eq!(up.await.unwrap().unwrap(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_waits_for_a_lock_lets_others_proceed() {
    let store = filled_below_step_4(&mut Samples::new()).await;
    let mut long_reader = store.database.connect().await;
    long_reader.execute("BEGIN; SELECT count(*) FROM predictions").await.unwrap();
    let up = start(store.store.migrator());
    let mut beside = store.database.connect().await;
    let waits =
        "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'predictions'::regclass AND NOT granted)";
    wait_until(&mut beside, waits).await;

    // Every reader waits behind a request for an exclusive lock, so the request must be withdrawn.
    beside.execute("SET statement_timeout = '30s'").await.unwrap();
    beside.execute("SELECT count(*) FROM predictions").await.expect("the reader proceeds");
    assert!(!up.is_finished(), "the step tries again");
    long_reader.execute("COMMIT").await.unwrap();
    assert_eq!(up.await.unwrap().unwrap(), 5);
}

#[tokio::test]
async fn a_step_of_several_transactions_continues_where_it_was_interrupted() {
    let store = filled_below_step_4(&mut Samples::new()).await;
    let half = "ALTER TABLE predictions ADD COLUMN top_k bigint, ADD COLUMN sentences jsonb, \
                ADD CONSTRAINT predictions_top_k_check CHECK (top_k BETWEEN 1 AND 4294967295) NOT VALID, \
                ADD CONSTRAINT predictions_sentences_check CHECK (jsonb_typeof(sentences) = 'array') NOT VALID";
    let mut beside = store.database.connect().await;
    beside.execute(half).await.unwrap();
    assert_eq!(store.store.migrator().up().await.unwrap(), 5);
    assert_eq!(catalog(&mut beside).await, catalog_of_the_files().await);
}

#[tokio::test]
async fn the_schema_is_the_one_that_the_files_describe() {
    let store = PostgresHarness::start().await;
    let catalog = catalog(&mut store.database.connect().await).await;
    assert!(catalog.len() > 90, "{catalog:#?}");
    assert_eq!(catalog, catalog_of_the_files().await);
    let mut beside = store.database.connect().await;
    let noted: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations ORDER BY version")
            .fetch_all(&mut beside)
            .await
            .unwrap();
    let files = Migrator::new(Path::new("../../migrations/postgres")).await.unwrap();
    let expected: Vec<(i64, Vec<u8>)> = files
        .iter()
        .filter(|step| step.migration_type.is_up_migration())
        .map(|step| (step.version, step.checksum.to_vec()))
        .collect();
    assert_eq!(noted, expected);
}

/// A replica of the release before works beside one that has applied the step.
#[tokio::test]
async fn the_last_steps_change_nothing_that_the_release_before_uses() {
    let store = PostgresHarness::start().await;
    let mut beside = store.database.connect().await;
    beside
        .execute(
            "INSERT INTO tenants (name, status, created_at) VALUES ('ann', 'active', now()); \
             INSERT INTO api_keys (id, tenant, scopes, secret_hash, created_at) \
             VALUES ('k00000000001', 'ann', '', sha256('key'), now())",
        )
        .await
        .unwrap();
    let key = store.keys().find(&key_id(1)).await.unwrap().unwrap();
    assert!(key.tenant_limits.is_unlimited() && key.key.limits.is_unlimited());
    for _ in 0..4 {
        let after = catalog(&mut beside).await;
        assert_eq!(store.store.migrator().down(1).await.unwrap(), 1);
        let before = catalog(&mut beside).await;
        // Step 0007 allows events that are not about a prediction; a replica of the release before writes none.
        let is_loosened = |line: &String| line.starts_with("outbox.5 prediction_id uuid null=f");
        let stays = |line: &String| after.contains(line) || is_loosened(line);
        assert!(before.len() > 60 && before.iter().all(stays), "{before:#?}");
    }
}

/// The catalog of a database to which the files were applied as they are.
async fn catalog_of_the_files() -> Vec<String> {
    let database = TestDatabase::create().await;
    let mut connection = database.connect().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/postgres");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.to_string_lossy().ends_with(".up.sql"));
    files.sort();
    for file in files {
        connection.execute(AssertSqlSafe(fs::read_to_string(file).unwrap())).await.unwrap();
    }
    catalog(&mut connection).await
}

/// Every column, constraint and index, a line each, but for those of the migrator's own table.
async fn catalog(connection: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT format('%s.%s %s %s null=%s default=%s %s', c.relname, \
                row_number() OVER (PARTITION BY attrelid ORDER BY attnum), attname, \
                format_type(atttypid, atttypmod), NOT attnotnull, \
                coalesce(pg_get_expr(adbin, adrelid), '-'), attcollation::regcollation) AS line \
         FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid \
         LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum \
         WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped \
           AND c.relname <> '_sqlx_migrations' \
         UNION ALL SELECT format('%s %s valid=%s local=%s inherited=%s %s', conrelid::regclass, conname, \
                convalidated, conislocal, coninhcount, pg_get_constraintdef(oid)) \
         FROM pg_constraint WHERE connamespace = 'public'::regnamespace \
           AND conrelid <> coalesce(to_regclass('_sqlx_migrations')::oid, 0) \
         UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> '_sqlx_migrations' \
         ORDER BY line",
    )
    .fetch_all(connection)
    .await
    .unwrap()
}
