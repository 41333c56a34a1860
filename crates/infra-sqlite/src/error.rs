use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use application::ports::StoreError;
use sqlx::error::ErrorKind;

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address is not one of a SQLite database.
    #[error("the store's url is not that of a SQLite database")]
    Url(#[source] sqlx::Error),
    /// The folder of the file could not be made.
    #[error("the folder {path} could not be made", path = path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The database was to be there, and is not.
    #[error("there is no database {path}", path = .0.display())]
    Missing(PathBuf),
    /// The file is a database, but not one of this program's.
    #[error("the database {path} has no tables of Undertone", path = .0.display())]
    NoTables(PathBuf),
    /// The file is not there, may not be read, or is no database.
    #[error("the database {path} could not be opened", path = path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
}

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A backup never replaces a file.
    #[error("the file {path} exists already", path = .0.display())]
    Exists(PathBuf),
    /// The path names no file.
    #[error("{path} names no file", path = .0.display())]
    NoFile(PathBuf),
    /// The database could not be copied.
    #[error("the database could not be copied")]
    Copy(#[source] sqlx::Error),
    /// The copy could not be put in its place.
    #[error("the copy could not be put in its place")]
    File(#[source] io::Error),
}

/// Why the store did not answer: the source of every `Unavailable`. Cheap to clone, as all the write sets of a
/// group get the same.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Failure {
    #[error("the database refused")]
    Database(#[source] Arc<sqlx::Error>),
    #[error("the database did not answer within {0} ms")]
    TimedOut(u128),
    #[error("the schema could not be changed")]
    Migration(#[source] Arc<sqlx::migrate::MigrateError>),
    #[error("the store is closed")]
    Closed,
    #[error("the store was opened for reading only")]
    ReadOnly,
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

/// The store did not answer, because the database said `error`.
pub(crate) fn unavailable(error: impl Into<Failure>) -> StoreError {
    StoreError::unavailable(error.into())
}

/// Why something was not written.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// One write set is at fault, whatever else is in the transaction.
    Set(StoreError),
    /// The database is at fault, and no other write set would fare better.
    Database(sqlx::Error),
}

impl WriteError {
    /// Sorts `error`, which came when the `entity` named by `id` was inserted.
    pub(crate) fn of_insert(error: sqlx::Error, entity: &'static str, id: String) -> Self {
        match kind(&error) {
            Some(ErrorKind::UniqueViolation) => Self::Set(StoreError::Conflict { entity, id }),
            Some(_) if result_code(&error) == Some(SQLITE_CONSTRAINT) => Self::Set(unavailable(error)),
            _ => Self::Database(error),
        }
    }
}

impl From<sqlx::Error> for WriteError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<WriteError> for StoreError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Set(error) => error,
            WriteError::Database(error) => unavailable(error),
        }
    }
}

/// Whether somebody else has the database at the moment.
pub(crate) fn is_busy(error: &sqlx::Error) -> bool {
    result_code(error) == Some(SQLITE_BUSY)
}

/// Whether there is no room for more rows.
pub(crate) fn is_full(error: &sqlx::Error) -> bool {
    let is_storage_full = |error: &io::Error| error.kind() == io::ErrorKind::StorageFull;
    match error {
        sqlx::Error::Io(error) => is_storage_full(error),
        error => result_code(error) == Some(SQLITE_FULL),
    }
}

/// Whether the statement was stopped from outside, as at its deadline.
pub(crate) fn is_interrupted(error: &sqlx::Error) -> bool {
    result_code(error) == Some(SQLITE_INTERRUPT)
}

// Primary result codes, <https://www.sqlite.org/rescode.html>.
const SQLITE_BUSY: u32 = 5;
const SQLITE_INTERRUPT: u32 = 9;
const SQLITE_FULL: u32 = 13;
const SQLITE_CONSTRAINT: u32 = 19;

/// The primary result code: the lowest eight bits of the extended one that the driver gives.
fn result_code(error: &sqlx::Error) -> Option<u32> {
    let code = error.as_database_error()?.code()?;
    Some(code.parse::<u32>().ok()? & 0xff)
}

fn kind(error: &sqlx::Error) -> Option<ErrorKind> {
    Some(error.as_database_error()?.kind())
}
