//! The one writer: a task that owns the writing connection.
//!
//! Write sets wait in a `queue`; the task takes all that wait, applies them in one transaction (`group`, `apply`,
//! then the lines of the audit: `audit`) and reports to each caller after the commit, so that one flush to the disk
//! serves many callers. There is one transaction at a time, so sets are applied in the order of their submission. The
//! server of each new connection is checked before anything is written (`session`), and after a failure the health
//! check has the task test whether it can write (`probe`).

mod access;
mod apply;
mod audit;
mod completion;
mod group;
mod prepare;
mod probe;
mod queue;
mod session;
mod usage;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use application::ports::{StoreError, UnitOfWork, WriteStore};
use async_trait::async_trait;
use sqlx::PgConnection;
use tokio::task::JoinHandle;

use crate::database::Database;
use crate::error::Failure;
use crate::settings::PostgresSettings;
use crate::timing::within;

use prepare::prepare;
use queue::{Queue, Work};
use session::Session;

/// Submits requests to the writing task.
pub(crate) struct Writer {
    queue: Arc<Queue>,
    /// Whether the database failed the last transaction.
    failing: Arc<AtomicBool>,
    task: Mutex<Option<JoinHandle<()>>>,
    timeout: Duration,
}

impl Writer {
    /// Starts the task, which begins on `connection` and opens others as needed.
    pub(crate) fn start(
        database: Database,
        connection: Option<PgConnection>,
        settings: &PostgresSettings,
    ) -> Self {
        let (queue, failing) = (Arc::new(Queue::default()), Arc::new(AtomicBool::new(false)));
        let (timeout, runtime) = (database.timeout(), database.runtime().clone());
        let task = Task {
            session: Session::new(database, connection, settings),
            queue: Arc::clone(&queue),
            failing: Arc::clone(&failing),
        };
        let task = Mutex::new(Some(runtime.spawn(task.serve())));
        Self { queue, failing, task, timeout }
    }

    /// Whether the task accepts requests.
    pub(crate) fn is_open(&self) -> bool {
        self.queue.is_open()
    }

    /// Whether the database failed the last transaction.
    pub(crate) fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    /// Has the task write a row and roll back, next in turn.
    pub(crate) async fn probe(&self) -> Result<(), Failure> {
        self.queue.probe().await.map_err(|_ended| Failure::Closed)?
    }

    /// Completes everything submitted before, then ends the task; aborts it after the timeout and a second for
    /// closing the connection.
    pub(crate) async fn close(&self) {
        self.queue.close();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut task) = task else { return };
        match tokio::time::timeout(self.timeout + Duration::from_secs(1), &mut task).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the writing task panicked"),
            Err(_elapsed) => {
                tracing::warn!("the writing task did not end in time; pending write sets may not be written");
                task.abort();
            }
        }
    }
}

#[async_trait]
impl WriteStore for Writer {
    /// Writes `work` together with the sets that wait. Once the returned future was polled, the set is written in its
    /// turn whether the future is polled again or not. Dropping the future removes a set that the writer has not
    /// taken.
    #[tracing::instrument(name = "db.commit", skip_all, fields(writes = work.writes().len()))]
    async fn commit(&self, work: UnitOfWork) -> Result<(), StoreError> {
        if work.writes().is_empty() {
            return Ok(());
        }
        let begin_by = work.deadline().instant();
        // Serializing and cutting texts into terms happens here, in the caller's task, not in the writer's.
        let set = prepare(work).await?;
        within(self.timeout, "commit", async { self.queue.enter(set)?.answer(begin_by).await }).await
    }
}

/// The task's side.
struct Task {
    session: Session,
    queue: Arc<Queue>,
    failing: Arc<AtomicBool>,
}

impl Task {
    /// Serves requests until the queue is closed and empty.
    async fn serve(mut self) {
        while let Some(work) = self.queue.take().await {
            match work {
                Work::Group(sets) => {
                    if let Some(outcome) = group::write(&mut self.session, sets).await {
                        self.failing.store(outcome.is_err(), Ordering::Relaxed);
                    }
                }
                Work::Probe(answer) => {
                    let outcome = probe::write_and_roll_back(&mut self.session).await;
                    self.failing.store(outcome.is_err(), Ordering::Relaxed);
                    // A health check that timed out gets no result.
                    let _ = answer.send(outcome);
                }
            }
        }
        self.session.close().await;
    }
}

impl Drop for Task {
    /// However the task ends, no caller waits any longer.
    fn drop(&mut self) {
        self.queue.abandon();
    }
}
