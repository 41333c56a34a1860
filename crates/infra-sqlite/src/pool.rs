use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};

use crate::error::{OpenError, is_busy};
use crate::settings::SqliteSettings;

/// Where the database is and how connections to it are opened.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    options: SqliteConnectOptions,
    path: PathBuf,
    place: Place,
    timeout: Duration,
    max_log_bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    File,
    ReadOnlyFile,
    Memory,
}

/// How many bytes the database and its write-ahead log take on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DiskUse {
    pub(crate) file: u64,
    pub(crate) log: u64,
}

/// Numbers the in-memory databases, each of which belongs to one store.
static MEMORY: AtomicUsize = AtomicUsize::new(0);

/// The pause between two attempts to open a file that another process is opening as well.
const OPEN_RETRY: Duration = Duration::from_millis(10);

impl Database {
    /// Parses the URL; opens nothing.
    pub(crate) fn from_settings(settings: &SqliteSettings) -> Result<Self, OpenError> {
        let (path, parameters) = split(&settings.url).ok_or_else(not_sqlite)?;
        let options = SqliteConnectOptions::from_str(&settings.url).map_err(OpenError::Url)?;
        let options = options.busy_timeout(settings.timeout).disable_statement_logging();
        let has = |parameter| parameters.split('&').any(|each| each == parameter);
        if path == ":memory:" || has("mode=memory") {
            return Ok(Self::in_memory(settings));
        }
        let path = std::path::absolute(options.get_filename())
            .map_err(|reason| OpenError::Folder { path: options.get_filename().to_owned(), reason })?;
        let read_only = has("mode=ro") || has("immutable=1") || has("immutable=true");
        let place = if read_only { Place::ReadOnlyFile } else { Place::File };
        let options = options.read_only(read_only).create_if_missing(!read_only && !has("mode=rw"));
        Ok(Self { options, path, place, timeout: settings.timeout, max_log_bytes: settings.max_log_bytes })
    }

    /// A database that all connections of this store share and that ends with them: SQLite's `memdb` shares a database
    /// whose name begins with a slash.
    fn in_memory(settings: &SqliteSettings) -> Self {
        let name = format!("/undertone-{}", MEMORY.fetch_add(1, Ordering::Relaxed));
        let options = SqliteConnectOptions::new().filename(name).vfs("memdb").create_if_missing(true);
        let options = options.busy_timeout(settings.timeout).disable_statement_logging();
        let (path, place) = (PathBuf::from(":memory:"), Place::Memory);
        Self { options, path, place, timeout: settings.timeout, max_log_bytes: settings.max_log_bytes }
    }

    /// The file, or `:memory:`.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the URL allows reading only.
    pub(crate) fn is_read_only(&self) -> bool {
        self.place == Place::ReadOnlyFile
    }

    /// Whether this store writes a file, with a write-ahead log beside it.
    pub(crate) fn has_log(&self) -> bool {
        self.place == Place::File
    }

    /// The longest that a statement waits for another connection.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The size beyond which the log should not stay.
    pub(crate) fn max_log_bytes(&self) -> u64 {
        self.max_log_bytes
    }

    /// The current size on the disk.
    pub(crate) fn disk_use(&self) -> DiskUse {
        let size = |file: &Path| std::fs::metadata(file).map_or(0, |metadata| metadata.len());
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        DiskUse { file: size(&self.path), log: size(Path::new(&log)) }
    }

    /// Creates the folder of the file, unless nothing may be written.
    pub(crate) fn create_folder(&self) -> Result<(), OpenError> {
        let (Place::File, Some(folder)) = (self.place, self.path.parent()) else { return Ok(()) };
        std::fs::create_dir_all(folder)
            .map_err(|reason| OpenError::Folder { path: folder.to_owned(), reason })
    }

    /// The same database, whose file is not created where it is missing.
    pub(crate) fn without_creating(self) -> Self {
        Self { options: self.options.create_if_missing(false), ..self }
    }

    /// A connection that changes nothing, not even the journal mode.
    pub(crate) async fn inspecting(&self) -> Result<SqliteConnection, sqlx::Error> {
        self.options.clone().create_if_missing(false).connect().await
    }

    /// A connection that writes durably: commits survive a loss of power. Deleted rows are overwritten with zeros,
    /// and the log is truncated to its bound after a checkpoint.
    pub(crate) async fn writing(&self) -> Result<SqliteConnection, sqlx::Error> {
        let options = self.options.clone().synchronous(SqliteSynchronous::Full);
        let options = options.pragma("secure_delete", "ON");
        match self.place {
            Place::File => {
                let options = options.pragma("journal_size_limit", self.max_log_bytes.to_string());
                options.journal_mode(SqliteJournalMode::Wal).connect().await
            }
            Place::ReadOnlyFile | Place::Memory => options.connect().await,
        }
    }

    /// The first writing connection. Only one connection at a time can switch a new file to write-ahead logging, and
    /// SQLite does not let the others wait, so they retry.
    pub(crate) async fn first_writing(&self) -> Result<SqliteConnection, OpenError> {
        let start = Instant::now();
        loop {
            match self.writing().await {
                Err(error) if is_busy(&error) && start.elapsed() < self.timeout => {
                    tokio::time::sleep(OPEN_RETRY).await;
                }
                connection => return connection.map_err(|reason| self.refused(reason)),
            }
        }
    }

    /// A reading connection.
    pub(crate) async fn reading(&self) -> Result<SqliteConnection, sqlx::Error> {
        self.options.clone().pragma("query_only", "ON").connect().await
    }

    pub(crate) fn refused(&self, reason: sqlx::Error) -> OpenError {
        OpenError::Open { path: self.path.clone(), reason }
    }
}

/// The path and the parameters of a URL.
fn split(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("sqlite:")?;
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    Some(rest.split_once('?').unwrap_or((rest, "")))
}

fn not_sqlite() -> OpenError {
    OpenError::Url(sqlx::Error::Configuration("the URL does not begin with sqlite:".into()))
}
