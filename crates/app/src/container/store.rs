use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use application::action::chain;
use application::ports::{
    HealthCheck, LeaseRepository, OutboxRelayRepository, PredictionReadModel, SchemaMigrator, StepState,
    WriteStore,
};
use infra_postgres::{PostgresSettings, PostgresStore};
use infra_sqlite::{SqliteSettings, SqliteStore};

use tokio::time::interval;

use crate::config::{StoreKind, StoreSettings};

/// The store that `store.url` chooses.
pub(crate) enum Store {
    Sqlite(SqliteStore),
    Postgres(PostgresStore),
}

/// What happens where no database is.
#[derive(Debug, Clone, Copy)]
enum Missing {
    /// SQLite's file is created; a PostgreSQL database must exist in any case.
    Create,
    /// The store is not opened.
    Refuse,
}

/// The pause between two tries to reach a store at start.
const RETRY: Duration = Duration::from_secs(1);
/// How often to look whether the task that writes still runs.
const CHECK_WRITER_EVERY: Duration = Duration::from_secs(1);

impl Store {
    /// Opens the store as its schema is.
    ///
    /// # Errors
    /// Where it cannot be reached, or would lose acknowledged answers.
    pub(crate) async fn open(settings: &StoreSettings) -> anyhow::Result<Self> {
        Self::open_as(settings, Missing::Create).await
    }

    /// Opens a store that has been brought up before, for commands that have nothing to do elsewhere; creates nothing.
    ///
    /// # Errors
    /// Where it is missing or has no tables, and as [`Store::open`].
    pub(crate) async fn open_existing(settings: &StoreSettings) -> anyhow::Result<Self> {
        let address = settings.url.redacted();
        let nothing_there = || {
            format!(
                "there is nothing in the store {address}; name another with --store, or create it with `undertone migrate up`"
            )
        };
        let store = Self::open_as(settings, Missing::Refuse).await.with_context(nothing_there)?;
        if store.migrator().status().await?.iter().all(|step| step.state == StepState::Missing) {
            store.close().await;
            anyhow::bail!(nothing_there());
        }
        Ok(store)
    }

    async fn open_as(settings: &StoreSettings, missing: Missing) -> anyhow::Result<Self> {
        let kind = settings.url.kind().map_err(anyhow::Error::msg)?;
        let url = settings.url.expose().to_owned();
        let timeout = settings.timeout.duration();
        let store = match kind {
            StoreKind::Sqlite => {
                let max_size_bytes = Some(settings.max_size_mib << 20).filter(|bytes| *bytes > 0);
                let readers = settings.readers;
                let settings =
                    SqliteSettings { timeout, readers, max_size_bytes, ..SqliteSettings::new(url) };
                let store = match missing {
                    Missing::Create => SqliteStore::open(&settings).await?,
                    Missing::Refuse => SqliteStore::open_existing(&settings).await?,
                };
                tracing::info!(path = %store.path().display(), "answers are kept in SQLite");
                Self::Sqlite(store)
            }
            StoreKind::Postgres => {
                let (max_connections, allow_unsafe) = (settings.max_connections, settings.allow_unsafe);
                let settings = PostgresSettings { url, timeout, max_connections, allow_unsafe };
                let store = PostgresStore::open(&settings).await?;
                tracing::info!("answers are kept in PostgreSQL");
                Self::Postgres(store)
            }
        };
        Ok(store)
    }

    /// Opens the store and brings its schema up, again and again for `store.start_timeout`: a database often
    /// starts beside the service.
    ///
    /// # Errors
    /// The last try's.
    pub(crate) async fn open_migrated(settings: &StoreSettings) -> anyhow::Result<Self> {
        let deadline = Instant::now() + settings.start_timeout.duration();
        loop {
            let error = match Self::try_open_migrated(settings).await {
                Ok(store) => return Ok(store),
                Err(error) => error,
            };
            let address = settings.url.redacted();
            if Instant::now() + RETRY > deadline {
                return Err(error.context(format!("the store {address} cannot be used")));
            }
            tracing::warn!(store = address, error = chain(error.as_ref()), "the store does not answer yet");
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn try_open_migrated(settings: &StoreSettings) -> anyhow::Result<Self> {
        let store = Self::open(settings).await?;
        let migrator = store.migrator();
        // A store that has every step is left alone, so that one opened to read only can be served.
        if migrator.status().await?.iter().any(|step| step.state == StepState::Missing) {
            let applied = migrator.up().await.context("its schema cannot be brought up")?;
            tracing::info!(applied, "the store's schema was brought up");
        }
        Ok(store)
    }

    pub(crate) fn writes(&self) -> Arc<dyn WriteStore> {
        match self {
            Self::Sqlite(store) => store.writes(),
            Self::Postgres(store) => store.writes(),
        }
    }

    pub(crate) fn predictions(&self) -> Arc<dyn PredictionReadModel> {
        match self {
            Self::Sqlite(store) => store.predictions(),
            Self::Postgres(store) => store.predictions(),
        }
    }

    pub(crate) fn outbox(&self) -> Arc<dyn OutboxRelayRepository> {
        match self {
            Self::Sqlite(store) => store.outbox(),
            Self::Postgres(store) => store.outbox(),
        }
    }

    pub(crate) fn leases(&self) -> Arc<dyn LeaseRepository> {
        match self {
            Self::Sqlite(store) => store.leases(),
            Self::Postgres(store) => store.leases(),
        }
    }

    pub(crate) fn health(&self) -> Arc<dyn HealthCheck> {
        match self {
            Self::Sqlite(store) => store.health(),
            Self::Postgres(store) => store.health(),
        }
    }

    pub(crate) fn migrator(&self) -> Arc<dyn SchemaMigrator> {
        match self {
            Self::Sqlite(store) => store.migrator(),
            Self::Postgres(store) => store.migrator(),
        }
    }

    /// Copies the database into `file` while it is in use.
    ///
    /// # Errors
    /// For PostgreSQL, which has its own tools; else where the copy cannot be written.
    pub(crate) async fn backup(&self, file: &Path) -> anyhow::Result<()> {
        match self {
            Self::Sqlite(store) => Ok(store.backup(file).await?),
            Self::Postgres(_) => anyhow::bail!("backup is for SQLite; use pg_dump for PostgreSQL"),
        }
    }

    /// Waits until the task that writes has ended: when the store was closed, or by a bug.
    pub(crate) async fn writer_ended(&self) {
        let takes_writes = || match self {
            Self::Sqlite(store) => store.takes_writes(),
            Self::Postgres(store) => store.takes_writes(),
        };
        let mut tick = interval(CHECK_WRITER_EVERY);
        while takes_writes() {
            tick.tick().await;
        }
    }

    /// Writes what waits, then lets go.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(store) => store.close().await,
            Self::Postgres(store) => store.close().await,
        }
    }
}
