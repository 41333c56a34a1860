use std::sync::Arc;

use application::ports::StoreError;
use sqlx::migrate::MigrateError;

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address is not one of a PostgreSQL database.
    #[error("the store's url is not that of a PostgreSQL database")]
    Url(#[source] sqlx::Error),
    /// The server refused, or could not be reached.
    #[error("the database could not be reached")]
    Connect(#[source] sqlx::Error),
    /// The server did not answer in time.
    #[error("the database did not answer within {0} ms")]
    TimedOut(u128),
    /// The server is not one to write to, and will not become one by itself.
    #[error(transparent)]
    Unfit(#[from] UnfitServer),
}

/// Why a server is not written to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnfitServer {
    /// The server is older than what this crate is tested with.
    #[error("the server is PostgreSQL {0}; 14 is the oldest that is supported")]
    TooOld(u32),
    /// The database cannot hold every text.
    #[error("the database's encoding is {0}, which cannot hold every text; it must be UTF8")]
    Encoding(String),
    /// A crash of the server may lose what it said was committed.
    #[error(
        "{setting} is off, so that a crash would lose answers that were given, and allow_unsafe is not set"
    )]
    Unsafe {
        /// The server's setting.
        setting: &'static str,
    },
    /// The server follows another one.
    #[error("the server is a standby, which takes no writes")]
    Standby,
    /// The server, the database or the role is set to read only.
    #[error("transactions are read-only (default_transaction_read_only is on)")]
    ReadOnly,
}

/// Why the store did not answer: the source of every `Unavailable`. Cheap to clone, as all the write sets of a
/// group get the same.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Failure {
    #[error("the database refused or could not be reached")]
    Database(#[source] Arc<sqlx::Error>),
    #[error("the schema could not be changed")]
    Migration(#[source] Arc<MigrateError>),
    #[error("the database did not answer within {0} ms")]
    TimedOut(u128),
    #[error("the database is not written to")]
    Unfit(#[from] UnfitServer),
    #[error("the time {0} µs is before the first that PostgreSQL knows")]
    TooEarly(i64),
    #[error("the store is closed")]
    Closed,
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

/// The store did not answer, because of `failure`.
pub(crate) fn unavailable(failure: impl Into<Failure>) -> StoreError {
    StoreError::unavailable(failure.into())
}

/// Why something was not done.
#[derive(Debug)]
pub(crate) enum CallError {
    /// What was asked is at fault, whatever else is in the transaction.
    Asked(StoreError),
    /// The database is at fault, and nothing else would fare better.
    Database(sqlx::Error),
}

impl From<sqlx::Error> for CallError {
    fn from(error: sqlx::Error) -> Self {
        if is_about_the_data(&error) { Self::Asked(unavailable(error)) } else { Self::Database(error) }
    }
}

impl From<StoreError> for CallError {
    fn from(error: StoreError) -> Self {
        Self::Asked(error)
    }
}

impl From<Failure> for CallError {
    fn from(failure: Failure) -> Self {
        Self::Asked(unavailable(failure))
    }
}

impl From<CallError> for StoreError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Asked(error) => error,
            CallError::Database(error) => unavailable(error),
        }
    }
}

/// Whether other rows may be written although these were refused. The classes of SQLSTATE, from
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>: 22 data exception, 23 integrity constraint
/// violation, 40 transaction rollback (a deadlock or a serialization failure, by which nothing was written), 54
/// program limit exceeded.
fn is_about_the_data(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    let class = code.as_deref().and_then(|code| code.get(..2));
    matches!(class, Some("22" | "23" | "40" | "54"))
}
