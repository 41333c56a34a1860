use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, SqliteConnection};

use crate::error::{OpenError, is_busy};
use crate::settings::SqliteSettings;

/// Where the database is and how connections to it are made.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    options: SqliteConnectOptions,
    path: PathBuf,
    place: Place,
    timeout: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    File,
    ReadOnlyFile,
    Memory,
}

/// Numbers the databases in memory, each of which is one store's own.
static MEMORY: AtomicUsize = AtomicUsize::new(0);

/// How long to wait between two tries to open a file that another process is opening, too.
const OPEN_AGAIN: Duration = Duration::from_millis(10);

impl Database {
    /// Reads the address; opens nothing.
    pub(crate) fn from_settings(settings: &SqliteSettings) -> Result<Self, OpenError> {
        let (path, parameters) = split(&settings.url).ok_or_else(not_sqlite)?;
        let options = SqliteConnectOptions::from_str(&settings.url).map_err(OpenError::Url)?;
        let options = options.busy_timeout(settings.timeout).disable_statement_logging();
        let has = |parameter| parameters.split('&').any(|each| each == parameter);
        let timeout = settings.timeout;
        if path == ":memory:" || has("mode=memory") {
            return Ok(Self::in_memory(timeout));
        }
        let path = std::path::absolute(options.get_filename())
            .map_err(|source| OpenError::Folder { path: options.get_filename().to_owned(), source })?;
        let read_only = has("mode=ro") || has("immutable=1") || has("immutable=true");
        let place = if read_only { Place::ReadOnlyFile } else { Place::File };
        let options = options.read_only(read_only).create_if_missing(!read_only && !has("mode=rw"));
        Ok(Self { options, path, place, timeout })
    }

    /// A database that all connections of this store share and that ends with them: SQLite's `memdb`, which
    /// shares what has a name that begins with a slash.
    fn in_memory(timeout: Duration) -> Self {
        let name = format!("/undertone-{}", MEMORY.fetch_add(1, Ordering::Relaxed));
        let options = SqliteConnectOptions::new().filename(name).vfs("memdb").create_if_missing(true);
        let options = options.busy_timeout(timeout).disable_statement_logging();
        Self { options, path: PathBuf::from(":memory:"), place: Place::Memory, timeout }
    }

    /// The file, or `:memory:`.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the folder of the file, unless nothing may be written.
    pub(crate) fn make_folder(&self) -> Result<(), OpenError> {
        let (Place::File, Some(folder)) = (self.place, self.path.parent()) else { return Ok(()) };
        std::fs::create_dir_all(folder)
            .map_err(|source| OpenError::Folder { path: folder.to_owned(), source })
    }

    /// A connection that may write, durably: what it commits survives a loss of power.
    pub(crate) async fn writing(&self) -> Result<SqliteConnection, sqlx::Error> {
        let options = self.options.clone().synchronous(SqliteSynchronous::Full);
        match self.place {
            Place::File => options.journal_mode(SqliteJournalMode::Wal).connect().await,
            Place::ReadOnlyFile | Place::Memory => options.connect().await,
        }
    }

    /// The first connection that may write. Only one connection at a time can turn a new file to write-ahead
    /// logging, and SQLite does not let the others wait, so they try again.
    pub(crate) async fn first_writing(&self) -> Result<SqliteConnection, OpenError> {
        let start = Instant::now();
        loop {
            match self.writing().await {
                Err(error) if is_busy(&error) && start.elapsed() < self.timeout => {
                    tokio::time::sleep(OPEN_AGAIN).await;
                }
                connection => return connection.map_err(|source| self.refused(source)),
            }
        }
    }

    /// Connections that read.
    pub(crate) async fn readers(&self, most: u32) -> Result<SqlitePool, OpenError> {
        SqlitePoolOptions::new()
            .max_connections(most.max(1))
            .acquire_timeout(self.timeout)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_with(self.options.clone().pragma("query_only", "ON"))
            .await
            .map_err(|source| self.refused(source))
    }

    fn refused(&self, source: sqlx::Error) -> OpenError {
        OpenError::Open { path: self.path.clone(), source }
    }
}

/// The path and the parameters of an address.
fn split(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("sqlite:")?;
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    Some(rest.split_once('?').unwrap_or((rest, "")))
}

fn not_sqlite() -> OpenError {
    OpenError::Url(sqlx::Error::Configuration("it does not begin with sqlite:".into()))
}
