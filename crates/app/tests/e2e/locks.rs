//! Locks of PostgreSQL that other connections wait for.

use std::str::FromStr;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor};
use tokio::sync::oneshot;

use crate::undertone::PATIENCE;

/// A transaction that is rolled back when this is dropped.
pub(crate) struct OpenTransaction {
    open: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl OpenTransaction {
    /// Executes `statement` in a transaction of the database at `url` and leaves the transaction open.
    pub(crate) fn of(url: &str, statement: &'static str) -> Self {
        let options = PgConnectOptions::from_str(url).expect("a URL");
        let (open, closing) = oneshot::channel::<()>();
        let (begun, has_begun) = mpsc::channel();
        let work = async move {
            let mut connection = options.connect().await.expect("the test PostgreSQL answers");
            let mut transaction = connection.begin().await.expect("begun");
            transaction.execute(statement).await.expect("the statement is done");
            begun.send(()).expect("a receiver");
            let _ = closing.await;
        };
        let thread = thread::spawn(move || block_on(work));
        has_begun.recv().expect("the transaction is open");
        Self { open: Some(open), thread: Some(thread) }
    }
}

impl Drop for OpenTransaction {
    fn drop(&mut self) {
        drop(self.open.take());
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// Waits until a connection to the database at `url` waits for a lock.
pub(crate) fn wait_for_lock_waiter(url: &str) {
    const WAITERS: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let options = PgConnectOptions::from_str(url).expect("a URL");
    block_on(async {
        let mut connection = options.connect().await.expect("the test PostgreSQL answers");
        let deadline = Instant::now() + PATIENCE;
        while sqlx::query_scalar::<_, i64>(WAITERS).fetch_one(&mut connection).await.expect("counted") == 0 {
            assert!(Instant::now() < deadline, "no connection waits for a lock");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
}

fn block_on(future: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(future);
}
