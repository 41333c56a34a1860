use std::sync::Arc;

use application::ports::{
    AnalyticsReadModel, ApiKeyRepository, AuditReadModel, EventFeedRepository, FeedWakeUp, HealthCheck,
    IdempotencyRepository, LeaseRepository, OutboxRepository, PredictionReadModel, RollupRepository,
    SchemaMigrator, SinkRepository, StoreError, TenantRepository, TrendReadModel, UsageReadModel,
    UsageRepository, WriteStore,
};
use domain::value_objects::Timestamp;

use crate::database::{Database, close};
use crate::error::{OpenError, UnfitServer, unavailable};
use crate::feed_wake_up::PostgresFeedWakeUp;
use crate::health::PostgresHealthCheck;
use crate::migrate::PostgresMigrator;
use crate::pool::Pool;
use crate::read_models::{
    PostgresAnalyticsReadModel, PostgresAuditReadModel, PostgresPredictionReadModel, PostgresTrendReadModel,
    PostgresUsageReadModel,
};
use crate::repositories::{
    PostgresApiKeyRepository, PostgresEventFeedRepository, PostgresIdempotencyRepository,
    PostgresLeaseRepository, PostgresOutboxRepository, PostgresRollupRepository, PostgresSinkRepository,
    PostgresTenantRepository, PostgresUsageRepository,
};
use crate::settings::PostgresSettings;
use crate::writer::Writer;

/// An open database: the writer, the pool, and the ports.
pub struct PostgresStore {
    database: Database,
    pool: Pool,
    writer: Arc<Writer>,
    feed_wake_up: Arc<PostgresFeedWakeUp>,
}

impl PostgresStore {
    /// Connects and starts the writer. The schema is left as it is; [`PostgresStore::migrator`] migrates it.
    /// Afterwards the store reconnects by itself. Every connection belongs to the runtime that opens the store. A
    /// read-only server is accepted: it can be read, and commits are `Unavailable` until it accepts writes.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(settings: &PostgresSettings) -> Result<Self, OpenError> {
        let database = Database::from_settings(settings)?;
        let (connection, facts) = tokio::time::timeout(settings.timeout, database.connect_with_facts())
            .await
            .map_err(|_elapsed| OpenError::TimedOut(settings.timeout.as_millis()))?
            .map_err(|error| OpenError::connect(&error))?;
        if let Some(setting) = facts.unsafe_setting() {
            tracing::warn!(setting, "a crash of the database would lose committed predictions");
        }
        let connection = match database.check(&facts) {
            Ok(()) => Some(connection),
            Err(UnfitServer::Standby | UnfitServer::ReadOnly) => None,
            Err(unfit) => return Err(OpenError::Unfit(unfit)),
        };
        let writer = Arc::new(Writer::start(database.clone(), connection, settings));
        let pool = Pool::new(database.clone(), settings.max_connections);
        let feed_wake_up = Arc::new(PostgresFeedWakeUp::new(database.clone()));
        Ok(Self { database, pool, writer, feed_wake_up })
    }

    /// The write side.
    pub fn writes(&self) -> Arc<dyn WriteStore> {
        self.writer.clone()
    }

    /// The read side.
    pub fn predictions(&self) -> Arc<dyn PredictionReadModel> {
        Arc::new(PostgresPredictionReadModel::new(self.pool.clone()))
    }

    /// What the analytics count.
    pub fn analytics(&self) -> Arc<dyn AnalyticsReadModel> {
        Arc::new(PostgresAnalyticsReadModel::new(self.pool.clone()))
    }

    /// The outbox.
    pub fn outbox(&self) -> Arc<dyn OutboxRepository> {
        Arc::new(PostgresOutboxRepository::new(self.pool.clone()))
    }

    /// The feed of events.
    pub fn event_feed(&self) -> Arc<dyn EventFeedRepository> {
        Arc::new(PostgresEventFeedRepository::new(self.pool.clone()))
    }

    /// What wakes the reader of the feed; it has a connection of its own from the first wait on.
    pub fn feed_wake_up(&self) -> Arc<dyn FeedWakeUp> {
        self.feed_wake_up.clone()
    }

    /// The sinks of the feed.
    pub fn sinks(&self) -> Arc<dyn SinkRepository> {
        Arc::new(PostgresSinkRepository::new(self.pool.clone()))
    }

    /// The rollups.
    pub fn rollups(&self) -> Arc<dyn RollupRepository> {
        Arc::new(PostgresRollupRepository::new(self.pool.clone()))
    }

    /// The leases.
    pub fn leases(&self) -> Arc<dyn LeaseRepository> {
        Arc::new(PostgresLeaseRepository::new(self.pool.clone()))
    }

    /// The API keys.
    pub fn keys(&self) -> Arc<dyn ApiKeyRepository> {
        Arc::new(PostgresApiKeyRepository::new(self.pool.clone()))
    }

    /// The tenants.
    pub fn tenants(&self) -> Arc<dyn TenantRepository> {
        Arc::new(PostgresTenantRepository::new(self.pool.clone()))
    }

    /// The idempotency keys.
    pub fn idempotency(&self) -> Arc<dyn IdempotencyRepository> {
        Arc::new(PostgresIdempotencyRepository::new(self.pool.clone()))
    }

    /// The counts of texts.
    pub fn usage(&self) -> Arc<dyn UsageReadModel> {
        Arc::new(PostgresUsageReadModel::new(self.pool.clone()))
    }

    /// The sums of rollups.
    pub fn trends(&self) -> Arc<dyn TrendReadModel> {
        Arc::new(PostgresTrendReadModel::new(self.pool.clone()))
    }

    /// The removal of counts of texts.
    pub fn usage_purge(&self) -> Arc<dyn UsageRepository> {
        Arc::new(PostgresUsageRepository::new(self.pool.clone()))
    }

    /// The audit.
    pub fn audit(&self) -> Arc<dyn AuditReadModel> {
        Arc::new(PostgresAuditReadModel::new(self.pool.clone()))
    }

    /// Whether the store works.
    pub fn health(&self) -> Arc<dyn HealthCheck> {
        Arc::new(PostgresHealthCheck::new(self.database.clone(), Arc::clone(&self.writer)))
    }

    /// The schema.
    pub fn migrator(&self) -> Arc<dyn SchemaMigrator> {
        Arc::new(PostgresMigrator::new(self.database.clone()))
    }

    /// The version of the server, such as `17.2`, and its current time.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn version_and_time(&self) -> Result<(String, Timestamp), StoreError> {
        let query = "SELECT current_setting('server_version'), \
             (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
        let mut connection = self.database.connect().await.map_err(unavailable)?;
        let row: (String, i64) =
            sqlx::query_as(query).fetch_one(&mut connection).await.map_err(unavailable)?;
        close(connection).await;
        let (version, now) = row;
        Ok((version, Timestamp::from_micros(now)))
    }

    /// Writes to the server and reverts that.
    ///
    /// # Errors
    /// `Unavailable`: it accepts no writes.
    pub async fn probe_writing(&self) -> Result<(), StoreError> {
        self.writer.probe().await.map_err(unavailable)
    }

    /// Whether the store accepts writes. Before it is closed, only a bug that ended the writing task changes that.
    pub fn takes_writes(&self) -> bool {
        self.writer.is_open()
    }

    /// Completes every submitted write set, then closes the writer and the pool. Later calls are `Unavailable`. Takes
    /// at most the store's timeout and two seconds, even when the server does not respond.
    pub async fn close(&self) {
        self.feed_wake_up.stop();
        self.writer.close().await;
        self.pool.close().await;
    }
}
