//! The one writer: a task that owns the connection that writes.
//!
//! Write sets wait in a queue; the task takes all that wait, applies them in one transaction (`group`, `apply`) and
//! answers each after the commit, so that one flush to the disk serves many callers. There is never a second
//! transaction at the same time, so sets are applied in the order in which they were handed in.

mod apply;
mod group;
mod prepared;
mod session;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use application::ports::StoreError;
use sqlx::PgConnection;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::error::{Failure, unavailable};
use crate::pool::Database;
use crate::timing::within;

use group::PendingSet;
use session::Session;

pub(crate) use prepared::PreparedSet;

/// The requests that may wait in the queue; beyond them callers wait for room, within their timeout.
const QUEUE: usize = 1_024;

/// The most write sets of one transaction.
const MOST_SETS: usize = 256;

/// The rows at which no further write set joins a transaction.
const MOST_ROWS: usize = 4_096;

/// The way to the task that writes.
pub(crate) struct Writer {
    queue: mpsc::Sender<Request>,
    task: Mutex<Option<JoinHandle<()>>>,
    timeout: Duration,
}

/// What waits in the queue.
enum Request {
    Set(PendingSet),
    Close,
}

impl Writer {
    /// Starts the task, which begins on `connection` and makes others as it needs them.
    pub(crate) fn start(database: Database, connection: PgConnection) -> Self {
        let (queue, requests) = mpsc::channel(QUEUE);
        let timeout = database.timeout();
        let task = tokio::spawn(serve(Session::new(database, connection), requests));
        Self { queue, task: Mutex::new(Some(task)), timeout }
    }

    /// Writes `set` with whatever else waits, and answers once it is durable. Whoever gives up takes the answer's
    /// receiver along, by which the writer knows that a set is not wanted any more.
    pub(crate) async fn write(&self, set: PreparedSet) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        within(self.timeout, "commit", async {
            let request = Request::Set(PendingSet { set, answer });
            self.queue.send(request).await.map_err(|_| unavailable(Failure::Closed))?;
            answered.await.map_err(|_| unavailable(Failure::Closed))?
        })
        .await
    }

    /// Whether the task takes requests.
    pub(crate) fn is_open(&self) -> bool {
        !self.queue.is_closed()
    }

    /// Answers everything that was handed in before, then ends the task.
    pub(crate) async fn close(&self) {
        // An error means that the task has ended already.
        let _ = self.queue.send(Request::Close).await;
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the writer did not end in order");
        }
    }
}

/// The task: takes what waits until the queue is closed and empty.
async fn serve(mut session: Session, mut requests: mpsc::Receiver<Request>) {
    while let Some(request) = requests.recv().await {
        match request {
            Request::Set(first) => {
                let (sets, closing) = gather(first, &mut requests);
                group::write(&mut session, sets).await;
                if closing {
                    requests.close();
                }
            }
            Request::Close => requests.close(),
        }
    }
    session.close().await;
}

/// `first` and the write sets that wait behind it, up to the limits; and whether a `Close` ended them.
fn gather(first: PendingSet, requests: &mut mpsc::Receiver<Request>) -> (Vec<PendingSet>, bool) {
    let mut rows = first.set.rows();
    let mut sets = vec![first];
    while sets.len() < MOST_SETS && rows < MOST_ROWS {
        match requests.try_recv() {
            Ok(Request::Set(pending)) => {
                rows += pending.set.rows();
                sets.push(pending);
            }
            Ok(Request::Close) => return (sets, true),
            Err(_empty_or_closed) => break,
        }
    }
    (sets, false)
}
