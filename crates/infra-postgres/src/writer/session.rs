use std::time::{Duration, Instant};

use sqlx::{Connection, Executor, PgConnection};

use crate::pool::{Database, MAX_LIFETIME};

/// The connection that writes, between two transactions.
pub(super) struct Session {
    database: Database,
    idle: Option<OpenConnection>,
}

/// A connection and when it was made. In use it belongs to whoever began the transaction, so that it is closed
/// when that is given up, and comes back by [`Session::keep`] only.
pub(super) struct OpenConnection {
    connection: PgConnection,
    since: Instant,
}

impl Session {
    /// A session that begins on `connection`.
    pub(super) fn new(database: Database, connection: PgConnection) -> Self {
        Self { database, idle: Some(OpenConnection { connection, since: Instant::now() }) }
    }

    /// The longest that a transaction may take, connecting included.
    pub(super) fn timeout(&self) -> Duration {
        self.database.timeout()
    }

    /// Begins a transaction. Where the known connection turns out to be dead, nothing was written yet, and
    /// another one is made; half of the time is kept for it.
    pub(super) async fn begin(&mut self) -> Result<OpenConnection, sqlx::Error> {
        let young = self.idle.take().filter(|known| known.since.elapsed() < MAX_LIFETIME);
        if let Some(mut known) = young {
            match tokio::time::timeout(self.timeout() / 2, known.connection().execute("BEGIN")).await {
                Ok(Ok(_)) => return Ok(known),
                Ok(Err(error)) => tracing::debug!(%error, "the writer's connection is dead"),
                Err(_elapsed) => tracing::debug!("the writer's connection does not answer"),
            }
        }
        let mut new = OpenConnection { connection: self.database.connect().await?, since: Instant::now() };
        new.connection().execute("BEGIN").await?;
        Ok(new)
    }

    /// Takes a connection back on which no transaction is open.
    pub(super) fn keep(&mut self, connection: OpenConnection) {
        self.idle = Some(connection);
    }

    /// Says good-bye to the server.
    pub(super) async fn close(self) {
        let Some(OpenConnection { connection, .. }) = self.idle else { return };
        let timeout = self.database.timeout();
        if !matches!(tokio::time::timeout(timeout, connection.close()).await, Ok(Ok(()))) {
            tracing::debug!("the writer's connection was not closed in order");
        }
    }
}

impl OpenConnection {
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}
