use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use application::action::chain;
use application::errors::BoxError;
use application::ports::{
    AnalyticsReadModel, ApiKeyRepository, AuditReadModel, AuditSealer, EventFeedRepository, FeedWakeUp,
    HealthCheck, IdGenerator, IdempotencyRepository, LeaseRepository, OutboxRepository, PredictionReadModel,
    RollupRepository, SchemaMigrator, SinkRepository, StepState, TenantRepository, TrendReadModel,
    UsageReadModel, UsageRepository, WriteStore,
};
use domain::value_objects::Timestamp;
use infra_local::{HmacAuditSealer, UuidV7Ids};
use infra_postgres::{PostgresSettings, PostgresStore};
use infra_sqlite::{SqliteSettings, SqliteStore};
use tokio::time::{interval, sleep};

use crate::config::{AuditSettings, Settings, StoreKind};
use crate::container::clock;

/// The store that `store.url` chooses: its ports, and the adapter behind them.
pub(crate) struct Store {
    pub(crate) writes: Arc<dyn WriteStore>,
    pub(crate) predictions: Arc<dyn PredictionReadModel>,
    pub(crate) analytics: Arc<dyn AnalyticsReadModel>,
    pub(crate) outbox: Arc<dyn OutboxRepository>,
    pub(crate) event_feed: Arc<dyn EventFeedRepository>,
    pub(crate) feed_wake_up: Arc<dyn FeedWakeUp>,
    pub(crate) sinks: Arc<dyn SinkRepository>,
    pub(crate) rollups: Arc<dyn RollupRepository>,
    pub(crate) leases: Arc<dyn LeaseRepository>,
    pub(crate) keys: Arc<dyn ApiKeyRepository>,
    pub(crate) tenants: Arc<dyn TenantRepository>,
    pub(crate) audit: Arc<dyn AuditReadModel>,
    pub(crate) claims: Arc<dyn IdempotencyRepository>,
    pub(crate) trends: Arc<dyn TrendReadModel>,
    pub(crate) usage: Arc<dyn UsageReadModel>,
    pub(crate) usage_purge: Arc<dyn UsageRepository>,
    /// Seals the lines of the audit, if `audit.key` is set.
    pub(crate) sealer: Option<Arc<dyn AuditSealer>>,
    pub(crate) health: Arc<dyn HealthCheck>,
    pub(crate) migrator: Arc<dyn SchemaMigrator>,
    /// The name of this process among the replicas.
    pub(crate) process: String,
    adapter: Adapter,
}

enum Adapter {
    Sqlite(SqliteStore),
    Postgres(PostgresStore),
}

/// The pause between two attempts to reach a store at start.
const RETRY: Duration = Duration::from_secs(1);
/// How often to check that the writer still runs.
const CHECK_WRITER_EVERY: Duration = Duration::from_secs(1);

impl Store {
    /// Opens the store without changing its schema; creates the SQLite file if it does not exist.
    ///
    /// # Errors
    /// A store that cannot be reached, or could lose acknowledged predictions; an `audit.key` that is too short.
    pub(crate) async fn open(settings: &Settings) -> anyhow::Result<Self> {
        let identity = Identity::new(settings)?;
        Ok(match settings.store.url.kind().map_err(anyhow::Error::msg)? {
            StoreKind::Sqlite => {
                Self::of_sqlite(SqliteStore::open(&sqlite(settings, &identity)).await?, identity)
            }
            StoreKind::Postgres => {
                Self::of_postgres(PostgresStore::open(&postgres(settings, &identity)).await?, identity)
            }
        })
    }

    /// Opens a store that has Undertone's tables; creates nothing.
    ///
    /// # Errors
    /// A store that does not exist or has no tables, and those of [`Store::open`].
    pub(crate) async fn open_existing(settings: &Settings) -> anyhow::Result<Self> {
        let address = settings.store.url.redacted();
        let empty = || {
            format!(
                "there is nothing in the store {address}; name another with --store, or create it with `undertone migrate up`"
            )
        };
        let store = match settings.store.url.kind().map_err(anyhow::Error::msg)? {
            StoreKind::Sqlite => Self::open_present(settings).await.with_context(empty)?,
            StoreKind::Postgres => Self::open_present(settings)
                .await
                .with_context(|| format!("cannot use the store {address}"))?,
        };
        if store.migrator.status().await?.iter().all(|step| step.state == StepState::Missing) {
            store.close().await;
            anyhow::bail!(empty());
        }
        Ok(store)
    }

    /// Opens a store that is there, a server's also without tables; creates nothing.
    ///
    /// # Errors
    /// A SQLite file that does not exist or has no tables, and those of [`Store::open`].
    pub(crate) async fn open_present(settings: &Settings) -> anyhow::Result<Self> {
        if settings.store.url.kind() != Ok(StoreKind::Sqlite) {
            return Self::open(settings).await;
        }
        let identity = Identity::new(settings)?;
        Ok(Self::of_sqlite(SqliteStore::open_existing(&sqlite(settings, &identity)).await?, identity))
    }

    /// Opens a store that has all of Undertone's tables; creates nothing.
    ///
    /// # Errors
    /// A store of an older release, and those of [`Store::open_existing`].
    pub(crate) async fn open_current(settings: &Settings) -> anyhow::Result<Self> {
        let store = Self::open_existing(settings).await?;
        if store.migrator.status().await?.iter().any(|step| step.state == StepState::Missing) {
            store.close().await;
            let address = settings.store.url.redacted();
            anyhow::bail!(
                "the store {address} is of an older release; update it with `undertone migrate up`"
            );
        }
        Ok(store)
    }

    /// Opens the store and applies the migrations that it lacks. Tries for `store.start_timeout` where the store does
    /// not respond, since a database often starts at the same time as the service. Each reason is logged once.
    ///
    /// # Errors
    /// That of the last attempt; of the first where waiting does not help, as with a wrong password.
    pub(crate) async fn open_migrated(settings: &Settings) -> anyhow::Result<Self> {
        let deadline = Instant::now() + settings.store.start_timeout.duration();
        let mut logged = String::new();
        loop {
            let error = match Self::open_migrated_now(settings).await {
                Ok(store) => return Ok(store),
                Err(error) if is_final(&error) || Instant::now() + RETRY > deadline => return Err(error),
                Err(error) => chain(error.as_ref()),
            };
            if error != logged {
                let (address, seconds) = (settings.store.url.redacted(), settings.store.start_timeout.0);
                tracing::warn!(
                    store = address,
                    error,
                    seconds,
                    "the store does not respond yet; waiting for it"
                );
                logged = error;
            }
            sleep(RETRY).await;
        }
    }

    /// Opens the store and applies the migrations that it lacks.
    ///
    /// # Errors
    /// Those of [`Store::open`], and migrations that fail.
    pub(crate) async fn open_migrated_now(settings: &Settings) -> anyhow::Result<Self> {
        let opened = Self::try_open_migrated(settings).await;
        opened.with_context(|| format!("cannot use the store {}", settings.store.url.redacted()))
    }

    async fn try_open_migrated(settings: &Settings) -> anyhow::Result<Self> {
        let store = Self::open(settings).await?;
        // A store that lacks nothing is not written to, so that one opened read-only can be served.
        let steps = store.migrator.status().await?;
        if let Some(newer) = steps.iter().rfind(|step| step.state == StepState::Unknown) {
            let (version, step) = (newer.version, newer.description.as_str());
            tracing::warn!(version, step, "the store's schema is of a newer release; update this program");
        }
        if steps.iter().any(|step| step.state == StepState::Missing) {
            let applied = store.migrator.up().await.context("cannot migrate its schema")?;
            tracing::info!(applied, "the store's schema was migrated");
        }
        Ok(store)
    }

    fn of_sqlite(store: SqliteStore, identity: Identity) -> Self {
        Self {
            writes: store.writes(),
            predictions: store.predictions(),
            analytics: store.analytics(),
            outbox: store.outbox(),
            event_feed: store.event_feed(),
            feed_wake_up: store.feed_wake_up(),
            sinks: store.sinks(),
            rollups: store.rollups(),
            leases: store.leases(),
            keys: store.keys(),
            tenants: store.tenants(),
            audit: store.audit(),
            claims: store.idempotency(),
            trends: store.trends(),
            usage: store.usage(),
            usage_purge: store.usage_purge(),
            sealer: identity.sealer,
            health: store.health(),
            migrator: store.migrator(),
            process: identity.process,
            adapter: Adapter::Sqlite(store),
        }
    }

    fn of_postgres(store: PostgresStore, identity: Identity) -> Self {
        Self {
            writes: store.writes(),
            predictions: store.predictions(),
            analytics: store.analytics(),
            outbox: store.outbox(),
            event_feed: store.event_feed(),
            feed_wake_up: store.feed_wake_up(),
            sinks: store.sinks(),
            rollups: store.rollups(),
            leases: store.leases(),
            keys: store.keys(),
            tenants: store.tenants(),
            audit: store.audit(),
            claims: store.idempotency(),
            trends: store.trends(),
            usage: store.usage(),
            usage_purge: store.usage_purge(),
            sealer: identity.sealer,
            health: store.health(),
            migrator: store.migrator(),
            process: identity.process,
            adapter: Adapter::Postgres(store),
        }
    }

    /// The version of the database, and its clock where it has one of its own.
    ///
    /// # Errors
    /// A store that does not respond.
    pub(crate) async fn version_and_time(&self) -> anyhow::Result<(String, Option<Timestamp>)> {
        Ok(match &self.adapter {
            Adapter::Sqlite(store) => (format!("SQLite {}", store.version().await?), None),
            Adapter::Postgres(store) => {
                let (version, now) = store.version_and_time().await?;
                (format!("PostgreSQL {version}"), Some(now))
            }
        })
    }

    /// Writes to the store and leaves nothing behind; its tables must exist.
    ///
    /// # Errors
    /// A store that accepts no writes.
    pub(crate) async fn probe_writing(&self) -> Result<(), BoxError> {
        match &self.adapter {
            // The first check of a process writes.
            Adapter::Sqlite(_) => self.health.check().await,
            Adapter::Postgres(store) => Ok(store.probe_writing().await?),
        }
    }

    /// The file of the database; none where it is a server or in memory.
    pub(crate) fn file(&self) -> Option<&Path> {
        match &self.adapter {
            Adapter::Sqlite(store) => Some(store.path()).filter(|path| path.is_absolute()),
            Adapter::Postgres(_) => None,
        }
    }

    /// Whether the URL allows reading only.
    pub(crate) fn is_read_only(&self) -> bool {
        match &self.adapter {
            Adapter::Sqlite(store) => store.is_read_only(),
            Adapter::Postgres(_) => false,
        }
    }

    /// Logs where predictions are stored.
    pub(crate) fn log_place(&self) {
        match &self.adapter {
            Adapter::Sqlite(store) => {
                tracing::info!(path = %store.path().display(), "predictions are stored in SQLite");
            }
            Adapter::Postgres(_) => tracing::info!("predictions are stored in PostgreSQL"),
        }
    }

    /// Copies the database, which may be in use, to `file`.
    ///
    /// # Errors
    /// PostgreSQL, which has its own tools; else a copy that cannot be written.
    pub(crate) async fn back_up(&self, file: &Path) -> anyhow::Result<()> {
        match &self.adapter {
            Adapter::Sqlite(store) => Ok(store.backup(file).await?),
            Adapter::Postgres(_) => anyhow::bail!("backup is for SQLite; use pg_dump for PostgreSQL"),
        }
    }

    /// Waits until the writer has ended: because the store was closed, or by a bug.
    pub(crate) async fn writer_ended(&self) {
        let mut tick = interval(CHECK_WRITER_EVERY);
        while match &self.adapter {
            Adapter::Sqlite(store) => store.takes_writes(),
            Adapter::Postgres(store) => store.takes_writes(),
        } {
            tick.tick().await;
        }
    }

    /// Writes what is waiting and closes the store.
    pub(crate) async fn close(&self) {
        match &self.adapter {
            Adapter::Sqlite(store) => store.close().await,
            Adapter::Postgres(store) => store.close().await,
        }
    }
}

/// Whether another attempt to open the store would fail in the same way.
fn is_final(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<infra_sqlite::OpenError>().is_some_and(infra_sqlite::OpenError::is_final)
            || cause
                .downcast_ref::<infra_postgres::OpenError>()
                .is_some_and(infra_postgres::OpenError::is_final)
    })
}

/// By what rows show which process has written them.
struct Identity {
    process: String,
    sealer: Option<Arc<dyn AuditSealer>>,
}

impl Identity {
    fn new(settings: &Settings) -> anyhow::Result<Self> {
        let process = UuidV7Ids.event_id(clock(settings).now()).to_string();
        Ok(Self { process, sealer: sealer(&settings.audit)? })
    }
}

fn sqlite(Settings { store: settings, .. }: &Settings, identity: &Identity) -> SqliteSettings {
    SqliteSettings {
        timeout: settings.timeout.duration(),
        readers: settings.readers,
        max_size_bytes: Some(settings.max_size_mib << 20).filter(|bytes| *bytes > 0),
        audit_sealer: identity.sealer.clone(),
        replica: identity.process.clone(),
        ..SqliteSettings::new(settings.url.expose())
    }
}

fn postgres(Settings { store: settings, .. }: &Settings, identity: &Identity) -> PostgresSettings {
    PostgresSettings {
        timeout: settings.timeout.duration(),
        max_connections: settings.max_connections,
        allow_unsafe: settings.allow_unsafe,
        audit_sealer: identity.sealer.clone(),
        replica: identity.process.clone(),
        ..PostgresSettings::new(settings.url.expose())
    }
}

/// What seals the lines of the audit, if `audit.key` is set.
fn sealer(settings: &AuditSettings) -> anyhow::Result<Option<Arc<dyn AuditSealer>>> {
    let Some(key) = &settings.key else { return Ok(None) };
    let sealer = HmacAuditSealer::new(key.expose()).context("configuration: audit.key")?;
    Ok(Some(Arc::new(sealer)))
}
