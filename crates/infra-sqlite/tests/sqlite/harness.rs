use std::path::{Path, PathBuf};
use std::sync::Arc;

use application::ports::{
    AnalyticsReadModel, ApiKeyRepository, AuditReadModel, EventFeedRepository, IdempotencyRepository,
    LeaseRepository, OutboxRepository, PredictionReadModel, RollupRepository, SchemaMigrator, SinkRepository,
    TenantRepository, TrendReadModel, UsageReadModel, UsageRepository, WriteStore,
};
use async_trait::async_trait;
use domain::value_objects::{KeyId, PredictionId, Rollup, RollupKey};
use infra_sqlite::{SqliteSettings, SqliteStore};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};
use store_codec::ROLLUP_COUNTS;
use store_contract::chain::TestSealer;
use store_contract::samples::rollup_of_row;
use store_contract::{Replica, SchemaHarness, StoreHarness};
use tempfile::TempDir;

/// A store in a folder of its own.
pub(crate) struct SqliteHarness {
    pub(crate) store: SqliteStore,
    pub(crate) folder: TempDir,
}

impl SqliteHarness {
    /// A migrated store whose audit is sealed, opened with settings changed by `change`.
    pub(crate) async fn start_with(change: impl FnOnce(&mut SqliteSettings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = SqliteSettings::new(url(&folder.path().join("data/undertone.db")));
        settings.audit_sealer = Some(Arc::new(TestSealer));
        change(&mut settings);
        let store = SqliteStore::open(&settings).await.unwrap();
        store.migrator().up().await.unwrap();
        Self { store, folder }
    }

    /// A file beside the database.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Opens the same file again.
    pub(crate) async fn open_again(&self, parameters: &str) -> SqliteStore {
        let url = format!("{}{parameters}", url(self.store.path()));
        SqliteStore::open(&SqliteSettings::new(url)).await.unwrap()
    }
}

/// The URL of the database in `file`.
pub(crate) fn url(file: &Path) -> String {
    format!("sqlite:{}", file.display())
}

#[async_trait]
impl StoreHarness for SqliteHarness {
    async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    fn writes(&self) -> Arc<dyn WriteStore> {
        self.store.writes()
    }

    fn predictions(&self) -> Arc<dyn PredictionReadModel> {
        self.store.predictions()
    }

    fn analytics(&self) -> Arc<dyn AnalyticsReadModel> {
        self.store.analytics()
    }

    fn outbox(&self) -> Arc<dyn OutboxRepository> {
        self.store.outbox()
    }

    fn event_feed(&self) -> Arc<dyn EventFeedRepository> {
        self.store.event_feed()
    }

    fn sinks(&self) -> Arc<dyn SinkRepository> {
        self.store.sinks()
    }

    fn rollups(&self) -> Arc<dyn RollupRepository> {
        self.store.rollups()
    }

    fn trends(&self) -> Arc<dyn TrendReadModel> {
        self.store.trends()
    }

    async fn all_rollups(&self) -> Vec<(RollupKey, Rollup)> {
        let mut beside = SqliteConnectOptions::new().filename(self.store.path()).connect().await.unwrap();
        let statement = format!(
            "SELECT tenant, dimension, value, sentiment, name, revision, bucket, json_array({}) AS counts \
             FROM rollups JOIN rollup_models ON id = model",
            ROLLUP_COUNTS.join(", ")
        );
        let rows: Vec<(String, String, String, String, String, String, i64, String)> =
            sqlx::query_as(AssertSqlSafe(statement)).fetch_all(&mut beside).await.unwrap();
        let rollup = |(tenant, dimension, value, sentiment, name, revision, bucket, counts)| {
            let counts: String = counts;
            let counts = counts.trim_matches(['[', ']']).split(',').map(|count| count.parse().unwrap());
            let texts = [tenant, dimension, value, sentiment, name, revision];
            rollup_of_row(texts, bucket, &counts.collect::<Vec<_>>())
        };
        rows.into_iter().map(rollup).collect()
    }

    fn leases(&self) -> Arc<dyn LeaseRepository> {
        self.store.leases()
    }

    fn keys(&self) -> Arc<dyn ApiKeyRepository> {
        self.store.keys()
    }

    fn tenants(&self) -> Arc<dyn TenantRepository> {
        self.store.tenants()
    }

    fn audit(&self) -> Arc<dyn AuditReadModel> {
        self.store.audit()
    }

    fn idempotency(&self) -> Arc<dyn IdempotencyRepository> {
        self.store.idempotency()
    }

    fn usage(&self) -> Arc<dyn UsageReadModel> {
        self.store.usage()
    }

    fn usage_purge(&self) -> Arc<dyn UsageRepository> {
        self.store.usage_purge()
    }

    async fn replica(&self) -> Replica {
        let settings = SqliteSettings::new(url(self.store.path()));
        let settings = SqliteSettings { replica: "another".to_owned(), ..settings };
        let store = SqliteStore::open(&settings).await.unwrap();
        Replica { writes: store.writes(), idempotency: store.idempotency(), usage: store.usage() }
    }

    async fn spoil(&self, id: PredictionId) {
        let mut beside = SqliteConnectOptions::new().filename(self.store.path()).connect().await.unwrap();
        // A newer release has recreated the table with a wider check.
        beside.execute("PRAGMA ignore_check_constraints = ON").await.unwrap();
        let change = "UPDATE predictions SET sentiment = 'sarcastic' WHERE tenant = 'default' AND id = ?1";
        let bytes = id.as_u128().to_be_bytes().to_vec();
        let changed = sqlx::query(change).bind(bytes).execute(&mut beside).await.unwrap();
        assert_eq!(changed.rows_affected(), 1);
    }

    async fn age_rows(&self, days: u32) {
        let mut beside = SqliteConnectOptions::new().filename(self.store.path()).connect().await.unwrap();
        for change in [
            "UPDATE usage SET day = day - ?1",
            "UPDATE idempotency_keys SET created_at = created_at - ?1 * 86400000000, \
             lease_ends_at = lease_ends_at - ?1 * 86400000000",
        ] {
            sqlx::query(change).bind(days).execute(&mut beside).await.unwrap();
        }
    }
}

#[async_trait]
impl SchemaHarness for SqliteHarness {
    fn migrator(&self) -> Arc<dyn SchemaMigrator> {
        self.store.migrator()
    }

    async fn add_unknown_step(&self, version: i64) {
        let mut beside = SqliteConnectOptions::new().filename(self.store.path()).connect().await.unwrap();
        let step = "INSERT INTO _sqlx_migrations VALUES (?1, 'a newer step', '2030-01-01', TRUE, x'00', 1)";
        sqlx::query(step).bind(version).execute(&mut beside).await.unwrap();
    }

    async fn set_scopes(&self, key: &KeyId, scopes: &str) {
        let mut beside = SqliteConnectOptions::new().filename(self.store.path()).connect().await.unwrap();
        let change = sqlx::query("UPDATE api_keys SET scopes = ?2 WHERE id = ?1");
        let changed = change.bind(key.as_str()).bind(scopes).execute(&mut beside).await.unwrap();
        assert_eq!(changed.rows_affected(), 1);
    }
}
