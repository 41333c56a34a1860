use std::sync::Arc;
use std::time::{Duration, Instant};

use application::ports::AuditSealer;
use sqlx::{Executor, PgConnection};

use crate::database::{Database, MAX_LIFETIME, close};
use crate::error::{Failure, UnfitServer};
use crate::settings::PostgresSettings;

/// The writing connection, between two transactions.
pub(super) struct Session {
    database: Database,
    idle: Option<OpenConnection>,
    refused: Option<Refused>,
    audit_sealer: Option<Arc<dyn AuditSealer>>,
    replica: Arc<str>,
}

/// A connection and when it was opened. During a transaction its user owns it, so that dropping the transaction closes
/// it; it returns by [`Session::put_back`] only.
pub(super) struct OpenConnection {
    connection: PgConnection,
    since: Instant,
}

/// A server that was refused, and when.
struct Refused {
    unfit: UnfitServer,
    at: Instant,
}

/// How long a refused server is not checked again.
const RECHECK: Duration = Duration::from_secs(1);

impl Session {
    /// A session that begins on `connection`, whose server was checked.
    pub(super) fn new(
        database: Database,
        connection: Option<PgConnection>,
        settings: &PostgresSettings,
    ) -> Self {
        let idle = connection.map(OpenConnection::new);
        let (audit_sealer, replica) = (settings.audit_sealer.clone(), settings.replica.as_str().into());
        Self { database, idle, refused: None, audit_sealer, replica }
    }

    /// The name under which texts are counted.
    pub(super) fn replica(&self) -> Arc<str> {
        Arc::clone(&self.replica)
    }

    /// What seals the lines of the audit.
    pub(super) fn audit_sealer(&self) -> Option<Arc<dyn AuditSealer>> {
        self.audit_sealer.clone()
    }

    /// The longest that a transaction may take, connecting included.
    pub(super) fn timeout(&self) -> Duration {
        self.database.timeout()
    }

    /// Begins a transaction. Where the known connection turns out to be dead, nothing was written yet, and another
    /// one is opened; half of the time is reserved for that.
    pub(super) async fn begin(&mut self) -> Result<OpenConnection, Failure> {
        let young = self.idle.take().filter(|known| known.since.elapsed() < MAX_LIFETIME);
        if let Some(mut known) = young {
            match tokio::time::timeout(self.timeout() / 2, known.connection().execute("BEGIN")).await {
                Ok(Ok(_)) => return Ok(known),
                Ok(Err(error)) => tracing::debug!(%error, "the writer's connection is dead"),
                Err(_elapsed) => tracing::debug!("the writer's connection does not respond"),
            }
        }
        let mut new = self.connect().await?;
        new.connection().execute("BEGIN").await?;
        Ok(new)
    }

    /// Takes back a connection without an open transaction.
    pub(super) fn put_back(&mut self, connection: OpenConnection) {
        self.idle = Some(connection);
    }

    /// Closes the connection cleanly.
    pub(super) async fn close(&mut self) {
        if let Some(OpenConnection { connection, .. }) = self.idle.take() {
            close(connection).await;
        }
    }

    /// Connects and checks the server, which may be another one than before.
    async fn connect(&mut self) -> Result<OpenConnection, Failure> {
        if let Some(refused) = self.refused.as_ref().filter(|refused| refused.at.elapsed() < RECHECK) {
            return Err(refused.unfit.clone().into());
        }
        let (connection, facts) = self.database.connect_with_facts().await?;
        let checked = self.database.check(&facts);
        self.record(checked.as_ref().err());
        checked?;
        Ok(OpenConnection::new(connection))
    }

    /// Records whether the server is refused, and logs when that changes.
    fn record(&mut self, unfit: Option<&UnfitServer>) {
        let before = self.refused.take().map(|refused| refused.unfit);
        match unfit {
            Some(unfit) if before.as_ref() != Some(unfit) => {
                tracing::error!(reason = %unfit, "the store does not write to this database: every commit is refused");
            }
            None if before.is_some() => tracing::info!("the store writes to the database again"),
            _ => {}
        }
        self.refused = unfit.map(|unfit| Refused { unfit: unfit.clone(), at: Instant::now() });
    }
}

impl OpenConnection {
    fn new(connection: PgConnection) -> Self {
        Self { connection, since: Instant::now() }
    }

    pub(super) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}
