use std::sync::Arc;
use std::time::{Duration, Instant};

use application::ports::{
    AnalyticsReadModel, ApiKeyRepository, AuditReadModel, EventFeedRepository, FeedEvent,
    IdempotencyRepository, LeaseRepository, OutboxRepository, PredictionReadModel, RollupRepository,
    SchemaMigrator, SinkRepository, StoreError, TenantRepository, TrendReadModel, UnitOfWork, UsageReadModel,
    UsageRepository, WriteStore,
};
use async_trait::async_trait;
use domain::entities::Prediction;
use domain::value_objects::{KeyId, PredictionId, Rollup, RollupKey, TenantId};
use infra_postgres::{PostgresSettings, PostgresStore};
use sqlx::{AssertSqlSafe, Executor, PgConnection};
use store_codec::ROLLUP_COUNTS;
use store_contract::chain::TestSealer;
use store_contract::samples::rollup_of_row;
use store_contract::{Replica, SchemaHarness, StoreHarness, events_of};
use uuid::Uuid;

use crate::database::TestDatabase;

/// A store on a database of its own. The store is the first field, so that it closes before the database is dropped.
pub(crate) struct PostgresHarness {
    pub(crate) store: PostgresStore,
    pub(crate) database: TestDatabase,
}

impl PostgresHarness {
    /// A migrated store whose audit is sealed, opened with settings changed by `change`.
    pub(crate) async fn start_with(change: impl FnOnce(&mut PostgresSettings)) -> Self {
        let database = TestDatabase::create().await;
        let mut settings = database.settings();
        settings.audit_sealer = Some(Arc::new(TestSealer));
        change(&mut settings);
        let store = PostgresStore::open(&settings).await.expect("the database can be opened");
        store.migrator().up().await.expect("the schema can be migrated");
        Self { store, database }
    }
}

#[async_trait]
impl StoreHarness for PostgresHarness {
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
        let mut beside = self.database.connect().await;
        let statement = format!(
            "SELECT tenant, dimension, value, sentiment, name, revision, \
             (extract(epoch FROM bucket) * 1000000)::bigint, ARRAY[{}]::bigint[] \
             FROM rollups JOIN rollup_models ON id = model",
            ROLLUP_COUNTS.join(", ")
        );
        let rows: Vec<(String, String, String, String, String, String, i64, Vec<i64>)> =
            sqlx::query_as(AssertSqlSafe(statement)).fetch_all(&mut beside).await.unwrap();
        let rollup = |(tenant, dimension, value, sentiment, name, revision, bucket, counts)| {
            let counts: Vec<i64> = counts;
            rollup_of_row([tenant, dimension, value, sentiment, name, revision], bucket, &counts)
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
        let settings = PostgresSettings { replica: "another".to_owned(), ..self.database.settings() };
        let store = PostgresStore::open(&settings).await.expect("the database can be opened");
        Replica { writes: store.writes(), idempotency: store.idempotency(), usage: store.usage() }
    }

    async fn spoil(&self, id: PredictionId) {
        let mut beside = self.database.connect().await;
        // A newer release has replaced the check by a wider one.
        let widen = "ALTER TABLE predictions DROP CONSTRAINT IF EXISTS predictions_sentiment_check";
        beside.execute(widen).await.unwrap();
        let change = "UPDATE predictions SET sentiment = 'sarcastic' WHERE tenant = 'default' AND id = $1";
        let id = Uuid::from_u128(id.as_u128());
        let changed = sqlx::query(change).bind(id).execute(&mut beside).await.unwrap();
        assert_eq!(changed.rows_affected(), 1);
    }

    async fn age_rows(&self, days: u32) {
        let mut beside = self.database.connect().await;
        let days = i32::try_from(days).unwrap();
        for change in [
            "UPDATE usage SET day = day - $1",
            "UPDATE idempotency_keys SET created_at = created_at - make_interval(days => $1), \
             lease_ends_at = lease_ends_at - make_interval(days => $1)",
        ] {
            sqlx::query(change).bind(days).execute(&mut beside).await.unwrap();
        }
    }
}

#[async_trait]
impl SchemaHarness for PostgresHarness {
    fn migrator(&self) -> Arc<dyn SchemaMigrator> {
        self.store.migrator()
    }

    async fn add_unknown_step(&self, version: i64) {
        let step = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                    VALUES ($1, 'a newer step', true, '\\x00', 0)";
        sqlx::query(step).bind(version).execute(&mut self.database.connect().await).await.unwrap();
    }

    async fn set_scopes(&self, key: &KeyId, scopes: &str) {
        let change = sqlx::query("UPDATE api_keys SET scopes = $2 WHERE id = $1");
        let change = change.bind(key.as_str()).bind(scopes);
        let changed = change.execute(&mut self.database.connect().await).await.unwrap();
        assert_eq!(changed.rows_affected(), 1);
    }
}

/// Commits `predictions` with their events as one write set of the default tenant.
pub(crate) async fn insert(
    writes: &Arc<dyn WriteStore>,
    predictions: &[Prediction],
) -> Result<(), StoreError> {
    let mut work = UnitOfWork::of(&TenantId::default());
    for prediction in predictions {
        work.insert(prediction);
        work.append(prediction.events());
    }
    writes.commit(work).await
}

/// Longer than anything in these tests takes on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);

/// Waits until `condition`, a query of one boolean, holds; fails after [`LIMIT`].
pub(crate) async fn wait_until(connection: &mut PgConnection, condition: &str) {
    let deadline = Instant::now() + LIMIT;
    while !sqlx::query_scalar::<_, bool>(AssertSqlSafe(condition)).fetch_one(&mut *connection).await.unwrap()
    {
        assert!(Instant::now() < deadline, "not within {LIMIT:?}: {condition}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until a connection of the store waits for a lock.
pub(crate) async fn wait_until_blocked(store: &PostgresHarness) {
    let is_blocked = "SELECT count(*) > 0 FROM pg_stat_activity \
                      WHERE datname = current_database() AND wait_event_type = 'Lock'";
    wait_until(&mut store.database.connect().await, is_blocked).await;
}

/// Every event that was committed and not purged, in the order of the feed.
pub(crate) async fn events(store: &PostgresStore) -> Vec<FeedEvent> {
    events_of(&*store.leases(), &*store.outbox(), &*store.event_feed()).await
}
