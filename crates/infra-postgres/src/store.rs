use std::sync::Arc;

use application::ports::{
    HealthCheck, LeaseRepository, OutboxRelayRepository, PredictionReadModel, SchemaMigrator,
    UnitOfWorkFactory,
};

use crate::error::OpenError;
use crate::health::PostgresHealthCheck;
use crate::migrate::PostgresMigrator;
use crate::pool::{Database, Pool};
use crate::read_models::PostgresPredictionReadModel;
use crate::repositories::{PostgresLeaseRepository, PostgresOutboxRelayRepository};
use crate::settings::PostgresSettings;
use crate::unit_of_work::PostgresUnitOfWorkFactory;
use crate::writer::Writer;

/// An open database: the writer, the pool, and the ports over them.
pub struct PostgresStore {
    database: Database,
    pool: Pool,
    writer: Arc<Writer>,
}

impl PostgresStore {
    /// Connects and starts the writer. The tables are left as they are; [`PostgresStore::migrator`] brings them
    /// up. After this, a server that goes away and comes back needs no second `open`.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(settings: &PostgresSettings) -> Result<Self, OpenError> {
        let database = Database::from_settings(settings)?;
        let connect = async {
            let mut connection = database.connect().await.map_err(OpenError::Connect)?;
            Database::check(&mut connection, settings.allow_unsafe).await?;
            Ok(connection)
        };
        let connection = tokio::time::timeout(settings.timeout, connect)
            .await
            .map_err(|_elapsed| OpenError::TimedOut(settings.timeout.as_millis()))??;
        let writer = Arc::new(Writer::start(database.clone(), connection));
        Ok(Self { pool: database.pool(settings.max_connections), database, writer })
    }

    /// The write side.
    pub fn units(&self) -> Arc<dyn UnitOfWorkFactory> {
        Arc::new(PostgresUnitOfWorkFactory::new(Arc::clone(&self.writer)))
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

    /// Answers every write set that was handed in, then closes the writer and the pool. Later calls are
    /// `Unavailable`.
    pub async fn close(&self) {
        self.writer.close().await;
        self.pool.close().await;
    }
}
