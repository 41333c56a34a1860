use std::sync::Arc;
use std::time::Duration;

use application::errors::BoxError;
use application::ports::{HealthCheck, StoreError};
use async_trait::async_trait;
use sqlx::PgConnection;
use tokio::sync::Mutex;

use crate::database::Database;
use crate::error::{Failure, unavailable};
use crate::server_facts::ServerFacts;
use crate::timing::within;
use crate::writer::Writer;

/// Checks whether the server responds and accepts writes, over a connection of its own: a busy pool does not mean
/// that the server is down. While the writer's commits succeed, nothing is written for it; after a failed one the
/// writer probes whether it can write.
pub struct PostgresHealthCheck {
    database: Database,
    writer: Arc<Writer>,
    connection: Mutex<Option<PgConnection>>,
    timeout: Duration,
}

/// Shorter than the two seconds that the port allows.
const LONGEST: Duration = Duration::from_millis(1_900);

impl PostgresHealthCheck {
    pub(crate) fn new(database: Database, writer: Arc<Writer>) -> Self {
        let timeout = database.timeout().min(LONGEST);
        Self { database, writer, connection: Mutex::default(), timeout }
    }

    async fn check_now(&self) -> Result<(), StoreError> {
        let facts = self.facts().await.map_err(unavailable)?;
        if let Err(unfit) = self.database.check(&facts) {
            // The next connection may reach another server, or the same one with other settings.
            *self.connection.lock().await = None;
            return Err(unavailable(unfit));
        }
        if self.writer.is_failing() {
            self.writer.probe().await.map_err(unavailable)?;
        }
        Ok(())
    }

    /// The server's facts, over the known connection, or over a new one where that does not respond.
    async fn facts(&self) -> Result<ServerFacts, sqlx::Error> {
        let mut connection = self.connection.lock().await;
        // Taken out, so that a connection that does not respond in time is dropped with this future.
        if let Some(mut known) = connection.take() {
            let queried = tokio::time::timeout(self.timeout / 2, ServerFacts::query(&mut known)).await;
            if let Ok(Ok(facts)) = queried {
                *connection = Some(known);
                return Ok(facts);
            }
        }
        let (new, facts) = self.database.connect_with_facts().await?;
        *connection = Some(new);
        Ok(facts)
    }
}

#[async_trait]
impl HealthCheck for PostgresHealthCheck {
    fn name(&self) -> &'static str {
        "store"
    }

    #[tracing::instrument(name = "db.check", skip_all)]
    async fn check(&self) -> Result<(), BoxError> {
        if !self.writer.is_open() {
            return Err(Failure::Closed.into());
        }
        Ok(within(self.timeout, "check", self.check_now()).await?)
    }
}
