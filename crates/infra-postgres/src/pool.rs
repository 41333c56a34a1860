use std::str::FromStr;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Postgres};

use crate::error::OpenError;
use crate::settings::PostgresSettings;

/// Where the database is and how connections to it are made.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    options: PgConnectOptions,
    timeout: Duration,
}

/// After this long a connection is replaced: a server's process grows with its age, and a name may have come to
/// mean another server.
pub(crate) const MAX_LIFETIME: Duration = Duration::from_hours(1);

/// A connection that was unused for longer is tested before it is used again.
const TRUSTED: Duration = Duration::from_secs(1);

/// The oldest server that is supported.
const OLDEST: u32 = 14;

impl Database {
    pub(crate) fn from_settings(settings: &PostgresSettings) -> Result<Self, OpenError> {
        let mut options = PgConnectOptions::from_str(&settings.url).map_err(OpenError::Url)?;
        if options.get_application_name().is_none() {
            options = options.application_name("undertone");
        }
        // Compiling a plan pays for long queries, and there are none.
        Ok(Self { options: options.options([("jit", "off")]), timeout: settings.timeout })
    }

    /// The longest that a call may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// A connection on which no statement runs for much longer than its caller waits. The server ends by itself
    /// what a client that was cut off has left behind, above all transactions with their locks.
    pub(crate) async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        self.bounded().connect().await
    }

    /// A connection for what may take its time: changes of the schema.
    pub(crate) async fn connect_without_limit(&self) -> Result<PgConnection, sqlx::Error> {
        self.options.connect().await
    }

    /// The pool; it connects when it is first used.
    pub(crate) fn pool(&self, max_connections: u32) -> Pool {
        // Which plan is good depends on how rare a reference, a term or a span of time is.
        let options = self.bounded().options([("plan_cache_mode", "force_custom_plan")]);
        let pool = PgPoolOptions::new()
            .max_connections(max_connections.max(1))
            .acquire_timeout(self.timeout)
            .max_lifetime(MAX_LIFETIME)
            .test_before_acquire(false)
            .before_acquire(|connection, metadata| {
                Box::pin(async move {
                    if metadata.idle_for > TRUSTED {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(options);
        Pool { pool, timeout: self.timeout }
    }

    fn bounded(&self) -> PgConnectOptions {
        let limit = self.timeout.as_millis().max(1);
        self.options
            .clone()
            .options([("statement_timeout", limit), ("idle_in_transaction_session_timeout", limit)])
    }

    /// Refuses a server that is too old, that cannot hold every text, or, unless `allow_unsafe`, that may lose
    /// what it said was committed.
    pub(crate) async fn check(connection: &mut PgConnection, allow_unsafe: bool) -> Result<(), OpenError> {
        let version = connection.server_version_num().map(|number| number / 10_000);
        if let Some(version) = version.filter(|version| *version < OLDEST) {
            return Err(OpenError::TooOld(version));
        }
        let (encoding, fsync, synchronous_commit): (String, String, String) = sqlx::query_as(
            "SELECT current_setting('server_encoding'), current_setting('fsync'), \
             current_setting('synchronous_commit')",
        )
        .fetch_one(connection)
        .await
        .map_err(OpenError::Connect)?;
        if encoding != "UTF8" {
            return Err(OpenError::Encoding(encoding));
        }
        for (setting, value) in [("fsync", fsync), ("synchronous_commit", synchronous_commit)] {
            if value == "off" && allow_unsafe {
                tracing::warn!(setting, "a crash of the database would lose answers that were given");
            } else if value == "off" {
                return Err(OpenError::Unsafe { setting, value });
            }
        }
        Ok(())
    }
}

/// The connections for everything but writing.
#[derive(Clone)]
pub(crate) struct Pool {
    pool: PgPool,
    timeout: Duration,
}

impl Pool {
    /// Lends a connection out. It comes back by [`Lent::give_back`] only.
    pub(crate) async fn lend(&self) -> Result<Lent, sqlx::Error> {
        let connection = self.pool.acquire().await?;
        Ok(Lent { connection, finished: false })
    }

    /// The longest that a call may take: lending and statements together.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

/// A connection that was lent out. Dropped without being given back, it is closed: what was left by an error, by a
/// caller who went away or by a time limit that passed is not used again, least of all a connection over a network
/// that stands still.
pub(crate) struct Lent {
    connection: PoolConnection<Postgres>,
    finished: bool,
}

impl Lent {
    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// Gives the connection back: everything that was begun on it is finished.
    pub(crate) fn give_back(mut self) {
        self.finished = true;
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if !self.finished {
            self.connection.close_on_drop();
        }
    }
}
