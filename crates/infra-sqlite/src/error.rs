use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use application::ports::StoreError;
use sqlx::error::ErrorKind;

/// Why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL is not one of a SQLite database.
    #[error("the store URL is not a SQLite URL")]
    Url(#[source] sqlx::Error),
    /// The folder of the file cannot be created.
    #[error(
        "cannot create the folder {path} of the database: {reason}; choose another file with --store",
        path = path.display(),
        reason = in_words(reason)
    )]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// The database does not exist, and must not be created.
    #[error("there is no database {path}", path = .0.display())]
    Missing(PathBuf),
    /// The file is a database, but not one of this program.
    #[error("the database {path} has no tables of Undertone", path = .0.display())]
    NoTables(PathBuf),
    /// The file does not exist, must not be read, or is not a database.
    #[error("cannot open the database {path}: {why}", path = path.display(), why = why(reason))]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: sqlx::Error,
    },
}

impl OpenError {
    /// Whether another attempt would fail in the same way.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Url(_) | Self::Folder { .. } | Self::Missing(_) | Self::NoTables(_) => true,
            Self::Open { reason, .. } => {
                matches!(result_code(reason), Some(SQLITE_READONLY | SQLITE_CANTOPEN | SQLITE_NOTADB))
            }
        }
    }
}

/// Why SQLite cannot open a file, and what to do.
fn why(error: &sqlx::Error) -> String {
    let words =
        error.as_database_error().map_or_else(|| error.to_string(), |error| error.message().to_owned());
    let advice = match result_code(error) {
        Some(SQLITE_CANTOPEN) => {
            "; it must be a file in a folder that this user may write to: change its permissions, or choose another \
             with --store"
        }
        Some(SQLITE_READONLY) => {
            "; change the permissions of the file and its folder, or choose another with --store"
        }
        Some(SQLITE_NOTADB) => "; choose another with --store",
        _ => "",
    };
    format!("{words}{advice}")
}

/// The system's words for `error`, without its number, in lower case.
fn in_words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error ").next().unwrap_or(&text).to_lowercase()
}

/// Why a backup failed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A backup never replaces a file.
    #[error("the file {path} already exists", path = .0.display())]
    Exists(PathBuf),
    /// The path names no file.
    #[error("{path} names no file", path = .0.display())]
    NoFile(PathBuf),
    /// The database cannot be copied.
    #[error("cannot copy the database")]
    Copy(#[source] sqlx::Error),
    /// The copy cannot be moved to its final name.
    #[error("cannot move the copy to its final name")]
    File(#[source] io::Error),
}

/// Why the store did not do what was requested: the source of every `Unavailable`. Cheap to clone, since all write sets
/// of a group get the same.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Failure {
    #[error("the database failed")]
    Database(#[source] Arc<sqlx::Error>),
    #[error("the database did not respond within {0} ms")]
    TimedOut(u128),
    #[error("cannot change the schema")]
    Migration(#[source] Arc<sqlx::migrate::MigrateError>),
    #[error("the store is closed")]
    Closed,
    #[error("the store is open for reading only")]
    ReadOnly,
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

/// The store did not do what was requested, because of `error`.
pub(crate) fn unavailable(error: impl Into<Failure>) -> StoreError {
    StoreError::unavailable(error.into())
}

/// Why a transaction failed.
#[derive(Debug)]
pub(crate) enum CallError {
    /// One write set or job is at fault; others may still succeed.
    Rejected(StoreError),
    /// The database is at fault; others would fail as well.
    Database(sqlx::Error),
}

impl CallError {
    /// Classifies `error`, which occurred when the `entity` named by `id` was inserted.
    pub(crate) fn of_insert(error: sqlx::Error, entity: &'static str, id: String) -> Self {
        match kind(&error) {
            Some(ErrorKind::UniqueViolation) => Self::Rejected(StoreError::Conflict { entity, id }),
            Some(_) if result_code(&error) == Some(SQLITE_CONSTRAINT) => Self::Rejected(unavailable(error)),
            _ => Self::Database(error),
        }
    }
}

impl From<sqlx::Error> for CallError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
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

/// Whether another connection holds the lock.
pub(crate) fn is_busy(error: &sqlx::Error) -> bool {
    result_code(error) == Some(SQLITE_BUSY)
}

/// Whether there is no space for more rows.
pub(crate) fn is_full(error: &sqlx::Error) -> bool {
    let is_storage_full = |error: &io::Error| error.kind() == io::ErrorKind::StorageFull;
    match error {
        sqlx::Error::Io(error) => is_storage_full(error),
        error => result_code(error) == Some(SQLITE_FULL),
    }
}

/// Whether the statement was interrupted, as at its deadline.
pub(crate) fn is_interrupted(error: &sqlx::Error) -> bool {
    result_code(error) == Some(SQLITE_INTERRUPT)
}

// Primary result codes, <https://www.sqlite.org/rescode.html>.
const SQLITE_BUSY: u32 = 5;
const SQLITE_READONLY: u32 = 8;
const SQLITE_INTERRUPT: u32 = 9;
const SQLITE_FULL: u32 = 13;
const SQLITE_CANTOPEN: u32 = 14;
const SQLITE_CONSTRAINT: u32 = 19;
const SQLITE_NOTADB: u32 = 26;

/// The primary result code: the lowest eight bits of the extended one that the driver gives.
fn result_code(error: &sqlx::Error) -> Option<u32> {
    let code = error.as_database_error()?.code()?;
    Some(code.parse::<u32>().ok()? & 0xff)
}

fn kind(error: &sqlx::Error) -> Option<ErrorKind> {
    Some(error.as_database_error()?.kind())
}
