use std::io;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::error::{OpenError, UnfitServer};
use crate::server_facts::{self, ServerFacts};
use crate::settings::PostgresSettings;

/// Where the database is and how connections to it are opened.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    options: PgConnectOptions,
    timeout: Duration,
    allow_unsafe: bool,
    /// The runtime that drives every connection: callers' runtimes may end before the store is closed.
    runtime: Handle,
}

/// The age at which a connection is replaced: a server process grows with its age, and the host name may resolve to
/// another server by then.
pub(crate) const MAX_LIFETIME: Duration = Duration::from_hours(1);

/// How often a server that runs a statement checks whether its client is still connected.
pub(crate) const CLIENT_CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// The longest that closing a connection cleanly may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The use of a connection, which determines its settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// Queries for which a caller waits.
    Reading,
    /// Other statements that end within the timeout.
    Bounded,
    /// Changes of the schema, without a time limit.
    Unbounded,
}

impl Database {
    /// The database of `settings`, on the current runtime.
    pub(crate) fn from_settings(settings: &PostgresSettings) -> Result<Self, OpenError> {
        // Servers from version 12 on write floats exactly by default; PgBouncer would refuse the start-up parameter.
        let mut options =
            PgConnectOptions::from_str(&settings.url).map_err(OpenError::Url)?.extra_float_digits(None);
        if options.get_application_name().is_none() {
            options = options.application_name("undertone");
        }
        let (timeout, allow_unsafe) = (settings.timeout, settings.allow_unsafe);
        Ok(Self { options, timeout, allow_unsafe, runtime: Handle::current() })
    }

    /// The longest that a call may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The runtime that drives the store.
    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// A connection whose statements end at the timeout. The server also ends abandoned transactions of a disconnected
    /// client, which releases their locks.
    pub(crate) async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        Ok(self.open(Purpose::Bounded).await?.0)
    }

    /// As [`Database::connect`], with the server's facts.
    pub(crate) async fn connect_with_facts(&self) -> Result<(PgConnection, ServerFacts), sqlx::Error> {
        self.open(Purpose::Bounded).await
    }

    /// A connection for queries whose best plan depends on their values.
    pub(crate) async fn connect_to_read(&self) -> Result<PgConnection, sqlx::Error> {
        Ok(self.open(Purpose::Reading).await?.0)
    }

    /// A connection without a time limit, for changes of the schema.
    pub(crate) async fn connect_without_limit(&self) -> Result<PgConnection, sqlx::Error> {
        Ok(self.open(Purpose::Unbounded).await?.0)
    }

    /// A pool of the one connection on which notifications are received, for as long as it works.
    pub(crate) fn listening_pool(&self) -> PgPool {
        let options = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        options.connect_lazy_with(self.options.clone())
    }

    /// Whether the writer may use a server with these facts.
    pub(crate) fn check(&self, facts: &ServerFacts) -> Result<(), UnfitServer> {
        facts.check(self.allow_unsafe)
    }

    /// Connects on the store's runtime; dropping the future cancels that.
    async fn open(&self, purpose: Purpose) -> Result<(PgConnection, ServerFacts), sqlx::Error> {
        let database = self.clone();
        let mut opening = JoinSet::new();
        opening.spawn_on(async move { database.open_here(purpose).await }, &self.runtime);
        match opening.join_next().await {
            Some(Ok(opened)) => opened,
            Some(Err(error)) => Err(sqlx::Error::Io(io::Error::other(error))),
            None => Err(sqlx::Error::PoolClosed),
        }
    }

    async fn open_here(&self, purpose: Purpose) -> Result<(PgConnection, ServerFacts), sqlx::Error> {
        let mut connection = self.options.connect().await?;
        let facts = match self.set_up(&mut connection, purpose, Some(CLIENT_CHECK_INTERVAL)).await {
            // Not every operating system supports the client check.
            Err(error) if is_invalid_value(&error) => self.set_up(&mut connection, purpose, None).await?,
            done => done?,
        };
        Ok((connection, facts))
    }

    /// Applies the settings and queries the facts, in one round trip. The settings are not start-up parameters, since
    /// PgBouncer passes none of those on.
    async fn set_up(
        &self,
        connection: &mut PgConnection,
        purpose: Purpose,
        client_check: Option<Duration>,
    ) -> Result<ServerFacts, sqlx::Error> {
        // Compiling a plan pays off for long queries only, and there are none.
        let mut settings = vec![("jit", "off".to_owned())];
        if purpose != Purpose::Unbounded {
            let limit = self.timeout.as_millis().max(1).to_string();
            settings.push(("statement_timeout", limit.clone()));
            settings.push(("idle_in_transaction_session_timeout", limit));
        }
        if purpose == Purpose::Reading {
            // The best plan depends on how selective a reference, a term or a time range is.
            settings.push(("plan_cache_mode", "force_custom_plan".to_owned()));
            // Each scan uses one server process, not several.
            settings.push(("max_parallel_workers_per_gather", "0".to_owned()));
        }
        if let Some(interval) = client_check {
            settings.push(("client_connection_check_interval", interval.as_millis().to_string()));
        }
        let set = |(name, value): (&str, String)| format!("SET {name} = {value}; ");
        let mut sql: String = settings.into_iter().map(set).collect();
        sql.push_str(server_facts::QUERY);
        let rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(&mut *connection).await?;
        ServerFacts::from_rows(&rows, connection.server_version_num())
    }
}

/// Closes the connection cleanly, unless that takes long.
pub(crate) async fn close(connection: PgConnection) {
    if !matches!(tokio::time::timeout(CLOSE_TIMEOUT, connection.close()).await, Ok(Ok(()))) {
        tracing::debug!("a connection was not closed cleanly");
    }
}

/// SQLSTATE 22023, `invalid_parameter_value`.
fn is_invalid_value(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.as_deref() == Some("22023")
}
