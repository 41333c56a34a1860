use std::io;
use std::sync::Arc;
use std::time::Duration;

use application::ports::AuditSealer;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Connection, Executor, QueryBuilder, Sqlite, SqliteConnection};

use crate::pool::Database;
use crate::writer::activity::Activity;

/// The writing connection and its transactions. A connection that could not begin or roll back is discarded, and the
/// next transaction opens another: the session works again as soon as the database does.
pub(crate) struct Session {
    database: Database,
    connection: Option<SqliteConnection>,
    max_size_bytes: Option<u64>,
    /// The room to which the connection is limited.
    room: Option<Room>,
    /// What the connection does at a commit.
    flush: Flush,
    activity: Arc<Activity>,
    audit_sealer: Option<Arc<dyn AuditSealer>>,
    replica: Arc<str>,
}

/// How much of the allowed size a transaction may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// All but the reserve.
    Normal,
    /// All of it. Deleting needs space temporarily; without a reserve a full store could not be emptied.
    WithReserve,
}

/// When a transaction reaches the disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Flush {
    /// Before its commit returns.
    #[default]
    AtCommit,
    /// With the next transaction that is flushed at its commit, or when the log is moved into the file. A loss of power
    /// before that undoes it and damages nothing.
    WithLaterCommit,
}

/// The pages of the reserve: a sixteenth of the allowed size, at most 256.
fn reserve(pages: u64) -> u64 {
    (pages / 16).min(256)
}

impl Session {
    /// A session that begins on `connection`, from [`Database::writing`].
    pub(crate) fn new(database: Database, connection: SqliteConnection, max_size_bytes: Option<u64>) -> Self {
        let connection = Some(connection);
        Self {
            database,
            connection,
            max_size_bytes,
            room: None,
            flush: Flush::default(),
            activity: Arc::default(),
            audit_sealer: None,
            replica: Arc::default(),
        }
    }

    /// Seals the lines of the audit with `sealer`.
    pub(crate) fn sealing(self, sealer: Option<Arc<dyn AuditSealer>>) -> Self {
        Self { audit_sealer: sealer, ..self }
    }

    /// Counts texts as `replica`.
    pub(crate) fn counting_as(self, replica: &str) -> Self {
        Self { replica: replica.into(), ..self }
    }

    /// The name under which texts are counted.
    pub(super) fn replica(&self) -> Arc<str> {
        Arc::clone(&self.replica)
    }

    /// What seals the lines of the audit.
    pub(super) fn audit_sealer(&self) -> Option<Arc<dyn AuditSealer>> {
        self.audit_sealer.clone()
    }

    /// The outcomes of the last writes.
    pub(super) fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }

    /// Begins a transaction that holds the write lock from the start.
    pub(super) async fn begin(
        &mut self,
        room: Room,
        flush: Flush,
    ) -> Result<&mut SqliteConnection, sqlx::Error> {
        let mut connection = self.connect(room, flush).await?;
        connection.execute("BEGIN IMMEDIATE").await?;
        Ok(self.connection.insert(connection))
    }

    /// Runs `script`, a transaction from `BEGIN` on, and returns the rows of its statements. Unless it contains the
    /// `COMMIT`, [`Session::end`] must follow.
    pub(super) async fn run(
        &mut self,
        room: Room,
        flush: Flush,
        mut script: QueryBuilder<Sqlite>,
    ) -> Result<Vec<SqliteRow>, sqlx::Error> {
        let mut connection = self.connect(room, flush).await?;
        let outcome = script.build().fetch_all(&mut connection).await;
        self.connection = Some(connection);
        if outcome.is_err() {
            self.roll_back().await;
        }
        outcome
    }

    /// Moves the whole log into the file and truncates it; returns whether that was possible. Waits at most
    /// [`READER_TIMEOUT`] for a reader of an older state, since nothing is written meanwhile.
    pub(super) async fn truncate_log(&mut self) -> Result<bool, sqlx::Error> {
        let mut connection = self.connection(Room::WithReserve, Flush::AtCommit).await?;
        set_busy_timeout(&mut connection, READER_TIMEOUT).await?;
        let (busy, _, _): (i64, i64, i64) =
            sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut connection).await?;
        set_busy_timeout(&mut connection, self.database.timeout()).await?;
        self.connection = Some(connection);
        Ok(busy == 0)
    }

    /// The connection, limited to `room`; an error where the log has already used that up.
    async fn connect(&mut self, room: Room, flush: Flush) -> Result<SqliteConnection, sqlx::Error> {
        if room == Room::Normal && self.is_log_over_size() {
            return Err(sqlx::Error::Io(io::Error::new(
                io::ErrorKind::StorageFull,
                "the database and its write-ahead log have reached the allowed size",
            )));
        }
        self.connection(room, flush).await
    }

    /// Whether the log has grown so far beyond its bound that it uses up the allowed size.
    fn is_log_over_size(&self) -> bool {
        let Some(max_size) = self.max_size_bytes.filter(|_| self.database.has_log()) else { return false };
        let (used, max_log) = (self.database.disk_use(), self.database.max_log_bytes());
        used.log > max_log && used.file + (used.log - max_log) >= max_size
    }

    async fn connection(&mut self, room: Room, flush: Flush) -> Result<SqliteConnection, sqlx::Error> {
        let mut connection = if let Some(connection) = self.connection.take() {
            connection
        } else {
            (self.room, self.flush) = (None, Flush::default());
            self.database.writing().await?
        };
        if let Some(bytes) = self.max_size_bytes
            && self.room != Some(room)
        {
            limit(&mut connection, bytes, room).await?;
            self.room = Some(room);
        }
        if self.flush != flush {
            set_flush(&mut connection, flush).await?;
            self.flush = flush;
        }
        Ok(connection)
    }

    /// Commits where `outcome` is `Ok`, else rolls back.
    pub(super) async fn end<T, E: From<sqlx::Error>>(&mut self, outcome: Result<T, E>) -> Result<T, E> {
        let error: E = match (outcome, self.connection.as_mut()) {
            (Ok(answer), Some(connection)) => match connection.execute("COMMIT").await {
                Ok(_) => return Ok(answer),
                Err(error) => error.into(),
            },
            (Ok(_), None) => sqlx::Error::WorkerCrashed.into(),
            (Err(error), _) => error,
        };
        self.roll_back().await;
        Err(error)
    }

    /// Rolls back; a failure means that SQLite did so by itself, or that the connection is unusable.
    async fn roll_back(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        if connection.execute("ROLLBACK").await.is_ok() {
            self.connection = Some(connection);
        }
    }

    /// Closes the connection, which moves the log into the file.
    pub(super) async fn close(self) {
        if let Some(connection) = self.connection
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "the writing connection was not closed cleanly");
        }
    }
}

/// The longest that truncating the log waits for readers, which delays the writes that wait.
const READER_TIMEOUT: Duration = Duration::from_millis(100);

/// Sets how long the connection waits for a lock of another connection.
async fn set_busy_timeout(connection: &mut SqliteConnection, longest: Duration) -> Result<(), sqlx::Error> {
    let millis = i32::try_from(longest.as_millis()).unwrap_or(i32::MAX);
    // A pragma takes no bound values; a number cannot hold anything else.
    connection.execute(AssertSqlSafe(format!("PRAGMA busy_timeout = {millis}"))).await?;
    Ok(())
}

/// Sets when transactions reach the disk. In a log that is written ahead, `NORMAL` flushes when the log is moved into
/// the file, and `FULL` at each commit as well, all that the log then contains
/// (<https://www.sqlite.org/pragma.html#pragma_synchronous>).
async fn set_flush(connection: &mut SqliteConnection, flush: Flush) -> Result<(), sqlx::Error> {
    // SQLite executes this pragma when it is prepared: a prepared one would have no effect.
    connection
        .execute(match flush {
            Flush::AtCommit => "PRAGMA synchronous = FULL",
            Flush::WithLaterCommit => "PRAGMA synchronous = NORMAL",
        })
        .await?;
    Ok(())
}

/// Sets the size beyond which the file must not grow.
async fn limit(connection: &mut SqliteConnection, bytes: u64, room: Room) -> Result<(), sqlx::Error> {
    let page: i64 = sqlx::query_scalar("PRAGMA page_size").fetch_one(&mut *connection).await?;
    let pages = (bytes / page.unsigned_abs().max(1)).max(1);
    let pages = match room {
        Room::Normal => pages - reserve(pages),
        Room::WithReserve => pages,
    };
    // A pragma takes no bound values; a number cannot hold anything else.
    connection.execute(AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"))).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
