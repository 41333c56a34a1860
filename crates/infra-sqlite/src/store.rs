use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use application::ports::{
    HealthCheck, LeaseRepository, OutboxRelayRepository, PredictionReadModel, SchemaMigrator,
    UnitOfWorkFactory,
};
use sqlx::sqlite::SqlitePool;

use crate::backup::back_up;
use crate::error::{BackupError, OpenError};
use crate::health::SqliteHealthCheck;
use crate::migrate::SqliteMigrator;
use crate::pool::Database;
use crate::read_models::SqlitePredictionReadModel;
use crate::repositories::{SqliteLeaseRepository, SqliteOutboxRelayRepository};
use crate::settings::SqliteSettings;
use crate::unit_of_work::SqliteUnitOfWorkFactory;
use crate::writer::{Session, Writer};

/// An open database: the writer, the readers, and the ports over them.
pub struct SqliteStore {
    database: Database,
    readers: SqlitePool,
    writer: Arc<Writer>,
    timeout: Duration,
}

impl SqliteStore {
    /// Opens the database, which is made with its folder where it is missing and may be written. Its tables are
    /// left as they are; [`SqliteStore::migrator`] brings them up.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(settings: &SqliteSettings) -> Result<Self, OpenError> {
        let database = Database::from_settings(settings)?;
        database.make_folder()?;
        let connection = database.first_writing().await?;
        let readers = database.readers(settings.readers).await?;
        let session = Session::new(database.clone(), connection, settings.max_size_bytes);
        let writer = Arc::new(Writer::start(session, settings));
        Ok(Self { database, readers, writer, timeout: settings.timeout })
    }

    /// The absolute path of the file, or `:memory:`.
    pub fn path(&self) -> &Path {
        self.database.path()
    }

    /// The write side.
    pub fn units(&self) -> Arc<dyn UnitOfWorkFactory> {
        Arc::new(SqliteUnitOfWorkFactory::new(Arc::clone(&self.writer)))
    }

    /// The read side.
    pub fn predictions(&self) -> Arc<dyn PredictionReadModel> {
        Arc::new(SqlitePredictionReadModel::new(self.readers.clone(), self.timeout))
    }

    /// The relay's side of the outbox.
    pub fn outbox(&self) -> Arc<dyn OutboxRelayRepository> {
        let writer = Arc::clone(&self.writer);
        Arc::new(SqliteOutboxRelayRepository::new(self.readers.clone(), writer, self.timeout))
    }

    /// The leases.
    pub fn leases(&self) -> Arc<dyn LeaseRepository> {
        Arc::new(SqliteLeaseRepository::new(Arc::clone(&self.writer)))
    }

    /// Whether the store works.
    pub fn health(&self) -> Arc<dyn HealthCheck> {
        let writer = Arc::clone(&self.writer);
        Arc::new(SqliteHealthCheck::new(self.readers.clone(), writer, self.timeout))
    }

    /// The schema.
    pub fn migrator(&self) -> Arc<dyn SchemaMigrator> {
        Arc::new(SqliteMigrator::new(self.database.clone()))
    }

    /// Copies the database as it is at one instant to `file`, while it goes on being read and written. A file of
    /// that name is never a half copy.
    ///
    /// # Errors
    /// See [`BackupError`]; `file` must not exist.
    #[tracing::instrument(name = "db.backup", skip_all)]
    pub async fn backup(&self, file: &Path) -> Result<(), BackupError> {
        back_up(&self.database, file).await
    }

    /// Answers every write that was handed in, then closes the database. Later calls are `Unavailable`.
    pub async fn close(&self) {
        // The writer ends last: the last connection of all moves the log into the file.
        self.readers.close().await;
        self.writer.close().await;
    }
}
