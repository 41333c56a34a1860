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

/// Looks whether the server answers and can be written to, over a connection of its own: a pool that is busy is no
/// sign of a server that is not there. As long as the writer's commits succeed nothing is written for it; after one
/// that failed the writer has to prove that it can write.
pub struct PostgresHealthCheck {
    database: Database,
    writer: Arc<Writer>,
    connection: Mutex<Option<PgConnection>>,
    timeout: Duration,
}

/// A check comes back before the two seconds that the port allows.
const LONGEST: Duration = Duration::from_millis(1_900);

impl PostgresHealthCheck {
    pub(crate) fn new(database: Database, writer: Arc<Writer>) -> Self {
        let timeout = database.timeout().min(LONGEST);
        Self { database, writer, connection: Mutex::default(), timeout }
    }

    async fn look(&self) -> Result<(), StoreError> {
        let facts = self.facts().await.map_err(unavailable)?;
        if let Err(unfit) = self.database.check(&facts) {
            // Behind the same address there may soon be another server, or the same one with other settings.
            *self.connection.lock().await = None;
            return Err(unavailable(unfit));
        }
        if self.writer.is_failing() {
            self.writer.probe().await.map_err(unavailable)?;
        }
        Ok(())
    }

    /// What the server says, over the known connection, or over a new one where that does not answer.
    async fn facts(&self) -> Result<ServerFacts, sqlx::Error> {
        let mut connection = self.connection.lock().await;
        // Taken out, so that a connection that does not answer in time is dropped with this future.
        if let Some(mut known) = connection.take() {
            let asked = tokio::time::timeout(self.timeout / 2, ServerFacts::ask(&mut known)).await;
            if let Ok(Ok(facts)) = asked {
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
        Ok(within(self.timeout, "check", self.look()).await?)
    }
}
