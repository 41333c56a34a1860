use std::io;
use std::sync::Arc;

use application::ports::StoreError;
use sqlx::migrate::MigrateError;

/// Why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL is not one of a PostgreSQL database.
    #[error("the store URL is not a PostgreSQL URL")]
    Url(#[source] sqlx::Error),
    /// The server refused the connection, or cannot be reached.
    #[error("cannot connect to the database: {reason}; {advice}")]
    Connect {
        /// Why, in the words of the server or of the system.
        reason: String,
        /// What to do.
        advice: &'static str,
        /// Whether the server has responded, so that waiting for it does not help.
        is_final: bool,
    },
    /// The server did not respond in time.
    #[error(
        "the database did not respond within {0} ms; check the host and the port in store.url, and its firewall"
    )]
    TimedOut(u128),
    /// The server does not fulfill the requirements for writing.
    #[error(transparent)]
    Unfit(#[from] UnfitServer),
}

impl OpenError {
    /// Why a connection was not opened.
    pub(crate) fn connect(error: &sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        let reason = match error {
            sqlx::Error::Database(error) => error.message().to_owned(),
            sqlx::Error::Io(error) => in_words(error),
            error => error.to_string(),
        };
        let (advice, is_final) = match (code.as_deref(), error) {
            (Some("28P01" | "28000"), _) => ("check the user and the password in store.url", true),
            (Some("3D000"), _) => ("create the database, or name another in store.url", true),
            (Some("42501"), _) => {
                ("grant the user CONNECT on the database, or name another in store.url", true)
            }
            (Some(_), _) => ("the server's log says more", false),
            (None, sqlx::Error::Tls(_)) => ("check sslmode and the certificates in store.url", false),
            (None, sqlx::Error::Io(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                ("start PostgreSQL, or correct the host and the port in store.url", false)
            }
            _ => ("check the host and the port in store.url", false),
        };
        Self::Connect { reason, advice, is_final }
    }

    /// Whether another attempt would fail in the same way.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Url(_) => true,
            Self::Connect { is_final, .. } => *is_final,
            Self::TimedOut(_) => false,
            // A standby may be promoted, and settings can be changed.
            Self::Unfit(unfit) => matches!(unfit, UnfitServer::TooOld(_) | UnfitServer::Encoding(_)),
        }
    }
}

/// The system's words for `error`, without its number, in lower case.
fn in_words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error ").next().unwrap_or(&text).to_lowercase()
}

/// Why the store does not write to a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnfitServer {
    /// The server is older than the versions that this crate is tested with.
    #[error("the server is PostgreSQL {0}; upgrade it to 14 or later")]
    TooOld(u32),
    /// The database cannot store every text.
    #[error("the encoding of the database is {0}, which cannot represent every text; create it with UTF8")]
    Encoding(String),
    /// A crash of the server may lose committed rows.
    #[error(
        "{setting} is off, so a crash of the server would lose committed predictions; turn it on, or set allow_unsafe"
    )]
    Unsafe {
        /// The server's setting.
        setting: &'static str,
    },
    /// The server replicates another one.
    #[error("the server is a standby, which accepts no writes")]
    Standby,
    /// The server, the database or the role is read-only.
    #[error("transactions are read-only (default_transaction_read_only is on)")]
    ReadOnly,
}

/// Why the store did not do what was requested: the source of every `Unavailable`. Cheap to clone, since all write sets
/// of a group get the same.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Failure {
    #[error("the database failed or cannot be reached")]
    Database(#[source] Arc<sqlx::Error>),
    #[error("cannot change the schema")]
    Migration(#[source] Arc<MigrateError>),
    #[error("the database did not respond within {0} ms")]
    TimedOut(u128),
    #[error("the store does not write to this database")]
    Unfit(#[from] UnfitServer),
    #[error("the time {0} µs is before the earliest timestamp of PostgreSQL")]
    TooEarly(i64),
    #[error("a line of the audit contains the character U+0000, which PostgreSQL cannot store")]
    ContainsNul,
    #[error("the store is closed")]
    Closed,
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

/// The store did not do what was requested, because of `failure`.
pub(crate) fn unavailable(failure: impl Into<Failure>) -> StoreError {
    StoreError::unavailable(failure.into())
}

/// Why a call failed.
#[derive(Debug)]
pub(crate) enum CallError {
    /// The request is at fault; others may still succeed.
    Rejected(StoreError),
    /// The database is at fault; others would fail as well.
    Database(sqlx::Error),
}

impl From<sqlx::Error> for CallError {
    fn from(error: sqlx::Error) -> Self {
        if is_about_the_data(&error) { Self::Rejected(unavailable(error)) } else { Self::Database(error) }
    }
}

impl From<StoreError> for CallError {
    fn from(error: StoreError) -> Self {
        Self::Rejected(error)
    }
}

impl From<Failure> for CallError {
    fn from(failure: Failure) -> Self {
        Self::Rejected(unavailable(failure))
    }
}

impl From<CallError> for StoreError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Rejected(error) => error,
            CallError::Database(error) => unavailable(error),
        }
    }
}

/// Whether the rows are at fault, so that others may still be written. The classes of SQLSTATE, from
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>: 22 data exception, 23 integrity constraint
/// violation, 40 transaction rollback (a deadlock or a serialization failure, by which nothing was written), 54
/// program limit exceeded.
fn is_about_the_data(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    let class = code.as_deref().and_then(|code| code.get(..2));
    matches!(class, Some("22" | "23" | "40" | "54"))
}
