//! Reading connections, whose statements end at their deadlines.
//!
//! SQLite runs a statement to its end on the connection's thread, even if the future that awaits it is dropped. So
//! every connection checks, every few thousand steps of a statement, whether it may go on ([`StatementLimit`]): not
//! beyond the deadline of the call, not when the call was dropped, not when the store closes.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use application::ports::StoreError;
use sqlx::{Connection, Executor, SqliteConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::JoinHandle;
use tracing::Instrument;

use crate::error::{Failure, OpenError, is_interrupted, unavailable};
use crate::pool::Database;
use crate::timing::within;

/// A bounded pool of reading connections. They are opened when first needed and stay open.
#[derive(Clone)]
pub(crate) struct Readers {
    pool: Arc<Pool>,
    timeout: Duration,
}

/// A statement that runs on a borrowed connection.
pub(crate) type Statement<'c, T> = Pin<Box<dyn Future<Output = Result<T, sqlx::Error>> + Send + 'c>>;

struct Pool {
    database: Database,
    /// One permit for each connection.
    room: Arc<Semaphore>,
    size: u32,
    idle: Mutex<Vec<Reader>>,
    closed: Arc<AtomicBool>,
}

struct Reader {
    connection: SqliteConnection,
    limit: Arc<StatementLimit>,
}

/// The steps of SQLite's virtual machine between two checks of the limit: well below a millisecond.
const STEPS: i32 = 4_000;

impl Readers {
    /// A pool of at most `size` connections, for calls that may take `timeout` each, waiting included.
    pub(crate) fn new(database: Database, size: u32, timeout: Duration) -> Self {
        let size = size.max(1);
        let room = Arc::new(Semaphore::new(size as usize));
        let pool = Pool { database, room, size, idle: Mutex::default(), closed: Arc::default() };
        Self { pool: Arc::new(pool), timeout }
    }

    /// Opens the first connection, to see whether the database can be read.
    pub(crate) async fn open_one(&self) -> Result<(), OpenError> {
        let reader = self.pool.open().await.map_err(|source| self.pool.database.refused(source))?;
        self.pool.idle().push(reader);
        Ok(())
    }

    /// Runs `statement` on one of the connections. The statement ends within the timeout, and as soon as the returned
    /// future is dropped; it continues, and frees its connection, if that future is not polled.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        query_type: &'static str,
        statement: impl for<'c> FnOnce(&'c mut SqliteConnection) -> Statement<'c, T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (pool, timeout) = (Arc::clone(&self.pool), self.timeout);
        let deadline = Instant::now() + timeout;
        let work = async move {
            let mut borrowed = pool.borrow(deadline).await?;
            let late = || Failure::TimedOut(timeout.as_millis());
            let outcome = borrowed.run(statement).await;
            outcome.map_err(|error| unavailable(if is_interrupted(&error) { late() } else { error.into() }))
        };
        let (answer, answered) = oneshot::channel();
        // Boxed, so that the runtime's code for a task is compiled once, not for every statement.
        let task: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async move {
            // Fails only if the caller was dropped.
            let _ = answer.send(within(timeout, query_type, work).await);
        });
        let _task = AbortOnDrop(tokio::spawn(task.in_current_span()));
        answered.await.unwrap_or_else(|_| Err(unavailable(Failure::Closed)))
    }

    /// Begins a read transaction on a connection of its own, which counts as one of the pool. It sees the database as
    /// of now.
    pub(crate) async fn snapshot(&self, query_type: &'static str) -> Result<Snapshot, StoreError> {
        let (pool, timeout) = (&self.pool, self.timeout);
        let begin = async {
            let room = Arc::clone(&pool.room).acquire_owned().await;
            let room = room.map_err(|_| unavailable(Failure::Closed))?;
            if pool.closed.load(Ordering::Acquire) {
                return Err(unavailable(Failure::Closed));
            }
            let reader = pool.open().await.map_err(unavailable)?;
            let mut snapshot = Snapshot { reader, timeout, _room: room };
            // The first read, not the beginning, fixes the instant.
            let begin = "BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1";
            snapshot.reader.connection.execute(begin).await.map_err(unavailable)?;
            Ok(snapshot)
        };
        within(timeout, query_type, begin).await
    }

    /// Waits until no connection is in use. None is lent until the returned permit is dropped.
    pub(crate) async fn pause(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.pool.room).acquire_many_owned(self.pool.size).await.ok()
    }

    /// Interrupts the running statements, then closes the connections. Later calls are `Unavailable`. Waits at most
    /// `longest`; a connection that is still in use by then is closed when its statement ends.
    pub(crate) async fn close(&self, longest: Duration) {
        self.pool.closed.store(true, Ordering::Release);
        let close = async {
            // Calls that wait for a connection are served first, and find the pool closed.
            let all = self.pause().await;
            let idle = std::mem::take(&mut *self.pool.idle());
            for reader in idle {
                if let Err(error) = reader.connection.close().await {
                    tracing::warn!(%error, "a reading connection was not closed cleanly");
                }
            }
            drop(all);
        };
        if tokio::time::timeout(longest, close).await.is_err() {
            tracing::warn!("a reading statement did not end in time");
        }
        self.pool.room.close();
    }
}

impl Pool {
    async fn borrow(self: Arc<Self>, deadline: Instant) -> Result<Borrowed, StoreError> {
        let room = Arc::clone(&self.room).acquire_owned().await;
        let room = room.map_err(|_| unavailable(Failure::Closed))?;
        if self.closed.load(Ordering::Acquire) {
            return Err(unavailable(Failure::Closed));
        }
        let idle = self.idle().pop();
        let reader = match idle {
            Some(reader) => reader,
            None => self.open().await.map_err(unavailable)?,
        };
        reader.limit.set(deadline);
        Ok(Borrowed { reader: Some(reader), room: Some(room), pool: self })
    }

    async fn open(&self) -> Result<Reader, sqlx::Error> {
        let mut connection = self.database.reading().await?;
        let limit = Arc::new(StatementLimit::new(Arc::clone(&self.closed)));
        let checked = Arc::clone(&limit);
        connection.lock_handle().await?.set_progress_handler(STEPS, move || {
            // Otherwise a scan would use its whole time slice before a short read on another thread runs.
            std::thread::yield_now();
            checked.allows(Instant::now())
        });
        Ok(Reader { connection, limit })
    }

    fn put_back(&self, reader: Reader) {
        if !self.closed.load(Ordering::Acquire) {
            self.idle().push(reader);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Reader>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection in use. Dropped while a statement runs, it interrupts the statement and returns the connection when the
/// statement has ended.
struct Borrowed {
    reader: Option<Reader>,
    room: Option<OwnedSemaphorePermit>,
    pool: Arc<Pool>,
}

impl Borrowed {
    async fn run<T>(
        &mut self,
        statement: impl for<'c> FnOnce(&'c mut SqliteConnection) -> Statement<'c, T>,
    ) -> Result<T, sqlx::Error> {
        let Some(reader) = &mut self.reader else { return Err(sqlx::Error::WorkerCrashed) };
        let outcome = statement(&mut reader.connection).await;
        let reader = self.reader.take();
        // A connection that failed is closed, and replaced when another is needed.
        let is_sound = outcome.as_ref().err().is_none_or(is_interrupted);
        if let Some(reader) = reader.filter(|_| is_sound) {
            self.pool.put_back(reader);
        }
        outcome
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        let Some(mut reader) = self.reader.take() else { return };
        reader.limit.stop();
        let (room, pool) = (self.room.take(), Arc::clone(&self.pool));
        // Without a runtime, the end of the statement cannot be awaited: the connection is closed then.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            // The connection's thread responds once the statement has ended.
            if reader.connection.ping().await.is_ok() {
                pool.put_back(reader);
            }
            drop(room);
        });
    }
}

/// A read transaction. Dropped, it closes its connection.
pub(crate) struct Snapshot {
    reader: Reader,
    timeout: Duration,
    _room: OwnedSemaphorePermit,
}

impl Snapshot {
    /// Runs `statement`, which ends within the timeout.
    pub(crate) async fn read<T: Send>(
        &mut self,
        query_type: &'static str,
        statement: impl for<'c> FnOnce(&'c mut SqliteConnection) -> Statement<'c, T> + Send,
    ) -> Result<T, StoreError> {
        let timeout = self.timeout;
        self.reader.limit.set(Instant::now() + timeout);
        let connection = &mut self.reader.connection;
        let late = || Failure::TimedOut(timeout.as_millis());
        let work = async {
            let outcome = statement(connection).await;
            outcome.map_err(|error| unavailable(if is_interrupted(&error) { late() } else { error.into() }))
        };
        within(timeout, query_type, work).await
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        // The connection's thread runs a statement to its end before it closes.
        self.reader.limit.stop();
    }
}

/// The deadline of a connection's statements.
struct StatementLimit {
    epoch: Instant,
    /// Microseconds after `epoch`.
    deadline: AtomicU64,
    closed: Arc<AtomicBool>,
}

impl StatementLimit {
    fn new(closed: Arc<AtomicBool>) -> Self {
        Self { epoch: Instant::now(), deadline: AtomicU64::new(u64::MAX), closed }
    }

    fn set(&self, deadline: Instant) {
        self.deadline.store(self.micros(deadline), Ordering::Release);
    }

    fn stop(&self) {
        self.deadline.store(0, Ordering::Release);
    }

    fn allows(&self, now: Instant) -> bool {
        self.micros(now) < self.deadline.load(Ordering::Acquire) && !self.closed.load(Ordering::Acquire)
    }

    fn micros(&self, instant: Instant) -> u64 {
        u64::try_from(instant.saturating_duration_since(self.epoch).as_micros()).unwrap_or(u64::MAX)
    }
}

/// Aborts its task when it is dropped.
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
