use std::sync::Arc;

use application::ports::{
    HealthCheck, LeaseRepository, OutboxRelayRepository, PredictionReadModel, SchemaMigrator, WriteStore,
};

use crate::database::Database;
use crate::error::{OpenError, UnfitServer};
use crate::health::PostgresHealthCheck;
use crate::migrate::PostgresMigrator;
use crate::pool::Pool;
use crate::read_models::PostgresPredictionReadModel;
use crate::repositories::{PostgresLeaseRepository, PostgresOutboxRelayRepository};
use crate::settings::PostgresSettings;
use crate::writer::Writer;

/// An open database: the writer, the pool, and the ports over them.
pub struct PostgresStore {
    database: Database,
    pool: Pool,
    writer: Arc<Writer>,
}

impl PostgresStore {
    /// Connects and starts the writer. The tables are left as they are; [`PostgresStore::migrator`] brings them
    /// up. After this, a server that goes away and comes back needs no second `open`. Every connection belongs to
    /// the runtime that opens the store. A server that is read-only for the time being is opened: it can be read,
    /// and commits are `Unavailable` until it takes writes.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(settings: &PostgresSettings) -> Result<Self, OpenError> {
        let database = Database::from_settings(settings)?;
        let (connection, facts) = tokio::time::timeout(settings.timeout, database.connect_with_facts())
            .await
            .map_err(|_elapsed| OpenError::TimedOut(settings.timeout.as_millis()))?
            .map_err(OpenError::Connect)?;
        if let Some(setting) = facts.unsafe_setting() {
            tracing::warn!(setting, "a crash of the database would lose answers that were given");
        }
        let connection = match database.check(&facts) {
            Ok(()) => Some(connection),
            Err(UnfitServer::Standby | UnfitServer::ReadOnly) => None,
            Err(unfit) => return Err(OpenError::Unfit(unfit)),
        };
        let writer = Arc::new(Writer::start(database.clone(), connection));
        Ok(Self { pool: Pool::new(database.clone(), settings.max_connections), database, writer })
    }

    /// The write side.
    pub fn writes(&self) -> Arc<dyn WriteStore> {
        self.writer.clone()
    }

    /// The read side.
    pub fn predictions(&self) -> Arc<dyn PredictionReadModel> {
        Arc::new(PostgresPredictionReadModel::new(self.pool.clone()))
    }

    /// The relay's side of the outbox.
    pub fn outbox(&self) -> Arc<dyn OutboxRelayRepository> {
        Arc::new(PostgresOutboxRelayRepository::new(self.pool.clone()))
    }

    /// The leases.
    pub fn leases(&self) -> Arc<dyn LeaseRepository> {
        Arc::new(PostgresLeaseRepository::new(self.pool.clone()))
    }

    /// Whether the store works.
    pub fn health(&self) -> Arc<dyn HealthCheck> {
        Arc::new(PostgresHealthCheck::new(self.database.clone(), Arc::clone(&self.writer)))
    }

    /// The schema.
    pub fn migrator(&self) -> Arc<dyn SchemaMigrator> {
        Arc::new(PostgresMigrator::new(self.database.clone()))
    }

    /// Whether the store takes writes. Before it is closed it ceases to only by a bug, which ended the task that writes.
    pub fn takes_writes(&self) -> bool {
        self.writer.is_open()
    }

    /// Answers every write set that was handed in, then closes the writer and the pool. Later calls are
    /// `Unavailable`. Ends within the store's timeout and two seconds, also when the server does not answer.
    pub async fn close(&self) {
        self.writer.close().await;
        self.pool.close().await;
    }
}
