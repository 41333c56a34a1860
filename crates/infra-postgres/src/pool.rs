//! The pool of connections for everything but writing, of which lists may hold a share.
//!
//! A lent connection returns to the pool once everything on it has ended in order, without a round trip to the server;
//! otherwise it is closed. So neither returning a connection nor closing the pool waits for a server that does not
//! respond.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::Connection;
use sqlx::postgres::PgConnection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use crate::database::{CLIENT_CHECK_INTERVAL, Database, MAX_LIFETIME, close};
use crate::error::{CallError, Failure};

/// The connections for everything but writing, opened when needed.
#[derive(Clone)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    database: Database,
    /// One for each connection that may be open.
    connections: Arc<Semaphore>,
    /// One for each connection that lists may have.
    lists: Arc<Semaphore>,
    /// The connection returned last is lent first.
    idle: Mutex<Vec<OpenConnection>>,
}

struct OpenConnection {
    connection: PgConnection,
    since: Instant,
    used: Instant,
}

/// A connection that was idle for longer is tested before it is used again.
const TRUSTED: Duration = Duration::from_secs(1);

/// The longest that such a test may take.
const TEST_TIMEOUT: Duration = Duration::from_secs(1);

/// The pause before connecting again to a server that is starting.
const RETRY: Duration = Duration::from_millis(100);

/// How long an abandoned list counts as running: twice the time that the server takes to notice.
const ABANDONED: Duration = CLIENT_CHECK_INTERVAL.saturating_mul(2);

impl Pool {
    /// A pool of at most `max_connections` to `database`, of which lists may have half.
    pub(crate) fn new(database: Database, max_connections: u32) -> Self {
        let most = usize::try_from(max_connections).unwrap_or(Semaphore::MAX_PERMITS).max(1);
        let shared = Shared {
            database,
            connections: Arc::new(Semaphore::new(most)),
            lists: Arc::new(Semaphore::new((most / 2).max(1))),
            idle: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Lends a connection, which returns by [`Lent::give_back`] only. The caller limits the wait.
    pub(crate) async fn lend(&self) -> Result<Lent, CallError> {
        let permit = permit(&self.shared.connections).await?;
        let connection = match self.tested().await {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        Ok(Lent { connection, pool: self.clone(), permit, list: None })
    }

    /// Lends a connection for a query that may read many rows. Lists have a share of the connections, so that slow
    /// lists never take them all.
    pub(crate) async fn lend_for_list(&self) -> Result<Lent, CallError> {
        let permit = permit(&self.shared.lists).await?;
        let list = ListPermit { permit: Some(permit), database: self.shared.database.clone() };
        let mut lent = self.lend().await?;
        lent.list = Some(list);
        Ok(lent)
    }

    /// The longest that a call may take: lending and statements together.
    pub(crate) fn timeout(&self) -> Duration {
        self.shared.database.timeout()
    }

    /// Lends no more connections, and closes the idle ones. A lent one is closed when it returns.
    pub(crate) async fn close(&self) {
        self.shared.lists.close();
        self.shared.connections.close();
        let idle = std::mem::take(&mut *self.idle());
        idle.into_iter().map(|open| close(open.connection)).collect::<JoinSet<()>>().join_all().await;
    }

    /// An idle connection that still works. When one does not, all idle connections are discarded.
    async fn tested(&self) -> Option<OpenConnection> {
        loop {
            let mut open = self.idle().pop()?;
            if open.since.elapsed() >= MAX_LIFETIME {
                continue;
            }
            if open.used.elapsed() <= TRUSTED {
                return Some(open);
            }
            let limit = TEST_TIMEOUT.min(self.timeout() / 4);
            if matches!(tokio::time::timeout(limit, open.connection.ping()).await, Ok(Ok(()))) {
                return Some(open);
            }
            tracing::debug!("a pooled connection is dead; discarding all idle connections");
            let dead = std::mem::take(&mut *self.idle());
            drop(dead);
        }
    }

    /// A new connection; waits for a server that is starting.
    async fn connect(&self) -> Result<OpenConnection, sqlx::Error> {
        loop {
            match self.shared.database.connect_to_read().await {
                Ok(connection) => {
                    let now = Instant::now();
                    return Ok(OpenConnection { connection, since: now, used: now });
                }
                Err(error) if is_starting(&error) => tokio::time::sleep(RETRY).await,
                Err(error) => return Err(error),
            }
        }
    }

    fn take_back(&self, mut open: OpenConnection) {
        open.used = Instant::now();
        let mut idle = self.idle();
        // Checked under the lock, so that `close` misses no connection.
        if !self.shared.connections.is_closed() {
            idle.push(open);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<OpenConnection>> {
        self.shared.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A lent connection. Dropped without being given back, as after an error, a timeout or a dropped call, it is closed
/// and not reused.
pub(crate) struct Lent {
    connection: OpenConnection,
    pool: Pool,
    permit: OwnedSemaphorePermit,
    list: Option<ListPermit>,
}

impl Lent {
    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection.connection
    }

    /// Returns the connection to the pool; everything begun on it must be finished.
    pub(crate) fn give_back(self) {
        let Self { connection, pool, permit, list } = self;
        pool.take_back(connection);
        drop(permit);
        if let Some(list) = list {
            list.finish();
        }
    }
}

/// A list's place among those that run.
struct ListPermit {
    permit: Option<OwnedSemaphorePermit>,
    database: Database,
}

impl ListPermit {
    fn finish(mut self) {
        self.permit = None;
    }
}

impl Drop for ListPermit {
    /// The server runs an abandoned statement until it notices. The permit is held until then, so that abandoned
    /// lists do not accumulate on the server.
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take() {
            self.database.runtime().spawn(async move {
                tokio::time::sleep(ABANDONED).await;
                drop(permit);
            });
        }
    }
}

async fn permit(of: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Failure> {
    Arc::clone(of).acquire_owned().await.map_err(|_closed| Failure::Closed)
}

/// Whether the server is starting: the port is closed, or the server reports it (SQLSTATE 57P03, `cannot_connect_now`).
fn is_starting(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
        sqlx::Error::Database(error) => error.code().as_deref() == Some("57P03"),
        _ => false,
    }
}
