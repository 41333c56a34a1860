use std::sync::Arc;
use std::time::Duration;

use application::errors::BoxError;
use application::ports::HealthCheck;
use async_trait::async_trait;
use sqlx::PgConnection;
use tokio::sync::Mutex;

use crate::error::{CallError, Failure};
use crate::pool::Database;
use crate::timing::within;
use crate::writer::Writer;

/// Looks whether the server answers and the writer takes requests, over a connection of its own: a pool that is
/// busy is no sign of a server that is not there.
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

    async fn ask(&self) -> Result<(), CallError> {
        let mut connection = self.connection.lock().await;
        // Taken out, so that a connection that does not answer in time is dropped with this future.
        if let Some(mut known) = connection.take()
            && ping(&mut known).await.is_ok()
        {
            *connection = Some(known);
            return Ok(());
        }
        let mut new = self.database.connect().await?;
        ping(&mut new).await?;
        *connection = Some(new);
        Ok(())
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
        Ok(within(self.timeout, "check", self.ask()).await?)
    }
}

async fn ping(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT 1").execute(connection).await.map(drop)
}
