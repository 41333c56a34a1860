use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use application::ports::{
    AnalyticsReadModel, ApiKeyRepository, AuditReadModel, EventFeedRepository, FeedWakeUp, HealthCheck,
    IdempotencyRepository, LeaseRepository, OutboxRepository, PredictionReadModel, RollupRepository,
    SchemaMigrator, SinkRepository, StoreError, TenantRepository, TrendReadModel, UsageReadModel,
    UsageRepository, WriteStore,
};
use sqlx::Connection;

use crate::backup::back_up;
use crate::error::{BackupError, OpenError, unavailable};
use crate::existing;
use crate::feed_wake_up::SqliteFeedWakeUp;
use crate::health::SqliteHealthCheck;
use crate::migrate::SqliteMigrator;
use crate::pool::Database;
use crate::read_models::{
    SqliteAnalyticsReadModel, SqliteAuditReadModel, SqlitePredictionReadModel, SqliteTrendReadModel,
    SqliteUsageReadModel,
};
use crate::readers::Readers;
use crate::repositories::{
    SqliteApiKeyRepository, SqliteEventFeedRepository, SqliteIdempotencyRepository, SqliteLeaseRepository,
    SqliteOutboxRepository, SqliteRollupRepository, SqliteSinkRepository, SqliteTenantRepository,
    SqliteUsageRepository,
};
use crate::settings::SqliteSettings;
use crate::upkeep::Upkeep;
use crate::writer::{Session, Writer};

/// An open database: the writer, the readers, and the ports.
pub struct SqliteStore {
    database: Database,
    /// For reads that a unique index serves: by id, of keys and tenants, and the relay's.
    finds: Readers,
    lists: Readers,
    checks: Readers,
    /// For the snapshots of histories.
    histories: Readers,
    writer: Arc<Writer>,
    feed_wake_up: Arc<SqliteFeedWakeUp>,
    upkeep: Mutex<Option<Upkeep>>,
    timeout: Duration,
}

/// The connections for reads that an index serves: each takes far less than a millisecond.
const FINDS: u32 = 2;

/// The longest that closing waits for reading statements, which are interrupted at once.
const CLOSE_READERS_WITHIN: Duration = Duration::from_secs(2);

impl SqliteStore {
    /// Opens the database; creates it with its folder where it is missing and may be written. Its schema is left as
    /// it is; [`SqliteStore::migrator`] migrates it.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(settings: &SqliteSettings) -> Result<Self, OpenError> {
        let database = Database::from_settings(settings)?;
        database.create_folder()?;
        Self::start(database, settings).await
    }

    /// Opens an existing database that this program has migrated; creates nothing.
    ///
    /// # Errors
    /// `Missing`, `NoTables`; see [`OpenError`].
    pub async fn open_existing(settings: &SqliteSettings) -> Result<Self, OpenError> {
        let database = Database::from_settings(settings)?.without_creating();
        existing::check(&database).await?;
        Self::start(database, settings).await
    }

    async fn start(database: Database, settings: &SqliteSettings) -> Result<Self, OpenError> {
        let connection = database.first_writing().await?;
        let readers = |size| Readers::new(database.clone(), size, settings.timeout);
        let (finds, lists, checks) = (readers(FINDS), readers(settings.readers), readers(1));
        let histories = readers(1);
        finds.open_one().await?;
        let session = Session::new(database.clone(), connection, settings.max_size_bytes)
            .sealing(settings.audit_sealer.clone())
            .counting_as(&settings.replica);
        let writer = Arc::new(Writer::start(session, settings));
        let upkeep =
            Upkeep::start(database.clone(), Arc::clone(&writer), lists.clone(), settings.purge_interval);
        let (upkeep, timeout) = (Mutex::new(upkeep), settings.timeout);
        let feed_wake_up = Arc::default();
        Ok(Self { database, finds, lists, checks, histories, writer, feed_wake_up, upkeep, timeout })
    }

    /// The absolute path of the file, or `:memory:`.
    pub fn path(&self) -> &Path {
        self.database.path()
    }

    /// Whether the URL allows reading only.
    pub fn is_read_only(&self) -> bool {
        self.database.is_read_only()
    }

    /// The write side.
    pub fn writes(&self) -> Arc<dyn WriteStore> {
        self.writer.clone()
    }

    /// The read side.
    pub fn predictions(&self) -> Arc<dyn PredictionReadModel> {
        Arc::new(SqlitePredictionReadModel::new(self.finds.clone(), self.lists.clone()))
    }

    /// What the analytics count.
    pub fn analytics(&self) -> Arc<dyn AnalyticsReadModel> {
        Arc::new(SqliteAnalyticsReadModel::new(self.lists.clone()))
    }

    /// The outbox.
    pub fn outbox(&self) -> Arc<dyn OutboxRepository> {
        let (writer, wake_up) = (Arc::clone(&self.writer), Arc::clone(&self.feed_wake_up));
        Arc::new(SqliteOutboxRepository::new(self.finds.clone(), writer, wake_up))
    }

    /// The feed of events.
    pub fn event_feed(&self) -> Arc<dyn EventFeedRepository> {
        Arc::new(SqliteEventFeedRepository::new(self.finds.clone()))
    }

    /// What wakes the reader of the feed.
    pub fn feed_wake_up(&self) -> Arc<dyn FeedWakeUp> {
        self.feed_wake_up.clone()
    }

    /// The sinks of the feed.
    pub fn sinks(&self) -> Arc<dyn SinkRepository> {
        Arc::new(SqliteSinkRepository::new(self.finds.clone(), Arc::clone(&self.writer)))
    }

    /// The rollups.
    pub fn rollups(&self) -> Arc<dyn RollupRepository> {
        let writer = Arc::clone(&self.writer);
        Arc::new(SqliteRollupRepository::new(self.finds.clone(), self.histories.clone(), writer))
    }

    /// The leases.
    pub fn leases(&self) -> Arc<dyn LeaseRepository> {
        Arc::new(SqliteLeaseRepository::new(Arc::clone(&self.writer)))
    }

    /// The API keys.
    pub fn keys(&self) -> Arc<dyn ApiKeyRepository> {
        let writer = Arc::clone(&self.writer);
        Arc::new(SqliteApiKeyRepository::new(self.finds.clone(), self.lists.clone(), writer))
    }

    /// The tenants.
    pub fn tenants(&self) -> Arc<dyn TenantRepository> {
        Arc::new(SqliteTenantRepository::new(self.finds.clone(), Arc::clone(&self.writer)))
    }

    /// The idempotency keys.
    pub fn idempotency(&self) -> Arc<dyn IdempotencyRepository> {
        Arc::new(SqliteIdempotencyRepository::new(Arc::clone(&self.writer)))
    }

    /// The counts of texts.
    pub fn usage(&self) -> Arc<dyn UsageReadModel> {
        Arc::new(SqliteUsageReadModel::new(self.finds.clone()))
    }

    /// The sums of rollups.
    pub fn trends(&self) -> Arc<dyn TrendReadModel> {
        Arc::new(SqliteTrendReadModel::new(self.finds.clone(), self.lists.clone()))
    }

    /// The removal of counts of texts.
    pub fn usage_purge(&self) -> Arc<dyn UsageRepository> {
        Arc::new(SqliteUsageRepository::new(Arc::clone(&self.writer)))
    }

    /// The audit.
    pub fn audit(&self) -> Arc<dyn AuditReadModel> {
        Arc::new(SqliteAuditReadModel::new(self.finds.clone(), self.lists.clone()))
    }

    /// Whether the store works.
    pub fn health(&self) -> Arc<dyn HealthCheck> {
        let writer = Arc::clone(&self.writer);
        let read_only = self.database.is_read_only();
        Arc::new(SqliteHealthCheck::new(self.checks.clone(), writer, read_only, self.timeout))
    }

    /// The schema.
    pub fn migrator(&self) -> Arc<dyn SchemaMigrator> {
        Arc::new(SqliteMigrator::new(self.database.clone()))
    }

    /// Copies the database as of one instant to `file`, while it is read and written. A file of that name is never an
    /// incomplete copy.
    ///
    /// # Errors
    /// See [`BackupError`]; `file` must not exist.
    #[tracing::instrument(name = "db.backup", skip_all)]
    pub async fn backup(&self, file: &Path) -> Result<(), BackupError> {
        back_up(&self.database, file).await
    }

    /// The version of SQLite.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn version(&self) -> Result<String, StoreError> {
        let mut connection = self.database.inspecting().await.map_err(unavailable)?;
        let query = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&mut connection);
        let version = query.await.map_err(unavailable)?;
        connection.close().await.map_err(unavailable)?;
        Ok(version)
    }

    /// Whether the store accepts writes. Before it is closed, only a bug that ended the writing task changes that.
    pub fn takes_writes(&self) -> bool {
        self.writer.is_open()
    }

    /// Interrupts reads, completes every submitted write, then closes the database. Later calls are `Unavailable`.
    /// Takes at most two seconds and twice the store's timeout, whatever the disk does.
    pub async fn close(&self) {
        drop(self.upkeep.lock().unwrap_or_else(PoisonError::into_inner).take());
        // The writer closes last: the last connection of all moves the log into the file.
        let within = CLOSE_READERS_WITHIN;
        tokio::join!(
            self.finds.close(within),
            self.lists.close(within),
            self.checks.close(within),
            self.histories.close(within)
        );
        // Callers wait for one timeout; the write that is running by then may take another.
        self.writer.close(self.timeout * 2).await;
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::expect_used, reason = "tests")]

    use async_trait::async_trait;
    use sqlx::SqliteConnection;
    use tempfile::TempDir;

    use super::*;
    use crate::error::CallError;
    use crate::writer::WriteJob;

    struct Panics;

    #[async_trait]
    impl WriteJob for Panics {
        type Answer = ();

        const QUERY_TYPE: &'static str = "panic";

        async fn write(&self, _connection: &mut SqliteConnection) -> Result<(), CallError> {
            panic!("a bug");
        }
    }

    async fn open(folder: &TempDir) -> SqliteStore {
        let url = format!("sqlite:{}", folder.path().join("undertone.db").display());
        SqliteStore::open(&SqliteSettings::new(url)).await.expect("open")
    }

    #[tokio::test]
    async fn a_read_that_panics_is_unavailable_and_frees_its_connection() {
        let folder = TempDir::new().expect("a folder");
        let store = open(&folder).await;
        for _ in 0..3 {
            let read = store.checks.read("panic", |_| Box::pin(async { panic!("a bug") }));
            let outcome: Result<(), StoreError> = read.await;
            assert!(matches!(outcome, Err(StoreError::Unavailable { .. })), "{outcome:?}");
        }
        let statement = store
            .checks
            .read("check", |connection| Box::pin(sqlx::query("SELECT 1").fetch_optional(connection)));
        statement.await.expect("a connection");
    }

    #[tokio::test]
    async fn a_store_whose_writer_panicked_accepts_no_writes() {
        let folder = TempDir::new().expect("a folder");
        let store = open(&folder).await;
        assert!(store.takes_writes());
        assert!(store.writer.run(Panics).await.is_err());
        assert!(!store.takes_writes());
    }
}
