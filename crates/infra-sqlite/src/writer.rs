//! The one writer: a task that owns the writing connection.
//!
//! Write sets wait in a queue; the task takes all that wait, applies them in one transaction (`group`, `apply`, then
//! the lines of the audit: `audit`) and reports to each caller after the commit, so that one flush to the disk serves
//! many callers. Other writes, such as that of a lease, go through the same queue as a [`Job`] in a transaction of
//! their own.

mod access;
mod activity;
mod apply;
mod audit;
mod group;
mod job;
mod prepare;
mod queue;
mod session;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use application::ports::{StoreError, UnitOfWork, WriteStore};
use async_trait::async_trait;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing::Span;

use crate::error::{Failure, unavailable};
use crate::settings::SqliteSettings;
use crate::timing::within;

use group::{GroupLimits, PendingSet};
use job::{Job, PendingJob, TruncateLog};
use prepare::prepare;
use queue::Queue;

pub(crate) use activity::Activity;
pub(crate) use job::WriteJob;
pub(crate) use session::{Room, Session};

/// Submits requests to the writing task.
pub(crate) struct Writer {
    queue: Arc<Queue<Request>>,
    task: Mutex<Option<JoinHandle<()>>>,
    activity: Arc<Activity>,
    timeout: Duration,
}

/// A request in the queue.
enum Request {
    Set(PendingSet),
    Job(Box<dyn Job>),
}

impl Writer {
    /// Starts the task on `session`.
    pub(crate) fn start(session: Session, settings: &SqliteSettings) -> Self {
        let queue = Arc::new(Queue::new());
        let activity = Arc::clone(session.activity());
        let limits =
            GroupLimits { sets: settings.group_max_sets.max(1), rows: settings.group_max_rows.max(1) };
        let task = tokio::spawn(serve(session, Arc::clone(&queue), limits));
        Self { queue, task: Mutex::new(Some(task)), activity, timeout: settings.timeout }
    }

    /// Runs `job` in a transaction of its own.
    pub(crate) async fn run<J: WriteJob>(&self, job: J) -> Result<J::Answer, StoreError> {
        let (answer, answered) = oneshot::channel();
        let request = Request::Job(Box::new(PendingJob { job, answer, span: Span::current() }));
        self.submit(J::QUERY_TYPE, request, answered).await
    }

    /// Moves the log into the file and truncates it; returns whether no reader prevented that.
    pub(crate) async fn truncate_log(&self) -> Result<bool, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.submit("cut_log", Request::Job(Box::new(TruncateLog { answer })), answered).await
    }

    /// Submits `request` at once and waits for its result within the timeout. Dropping the future removes the request
    /// from the queue; where the writer has taken it, but not begun it, the closed channel shows that it is
    /// abandoned.
    async fn submit<T>(
        &self,
        query_type: &'static str,
        request: Request,
        answered: oneshot::Receiver<Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let closed = || unavailable(Failure::Closed);
        within(self.timeout, query_type, async {
            let _place = self.queue.enter(request).ok_or_else(closed)?;
            answered.await.map_err(|_| closed())?
        })
        .await
    }

    /// Whether the task accepts requests.
    pub(crate) fn is_open(&self) -> bool {
        !self.queue.is_closed()
    }

    /// The outcomes of the last writes.
    pub(crate) fn activity(&self) -> &Activity {
        &self.activity
    }

    /// Completes everything submitted before, then ends the task; aborts it after `longest`.
    pub(crate) async fn close(&self, longest: Duration) {
        self.queue.close();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut task) = task else { return };
        match tokio::time::timeout(longest, &mut task).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the writing task panicked"),
            Err(_elapsed) => {
                tracing::error!("the writing task did not end in time; pending write sets were not written");
                task.abort();
            }
        }
    }
}

#[async_trait]
impl WriteStore for Writer {
    /// Writes `work` together with the sets that wait.
    #[tracing::instrument(name = "db.commit", skip_all, fields(writes = work.writes().len()))]
    async fn commit(&self, work: UnitOfWork) -> Result<(), StoreError> {
        if work.writes().is_empty() {
            return Ok(());
        }
        // Serializing and cutting texts into terms happens here, in the caller's task, not in the writer's.
        let set = prepare(work).await?;
        let (answer, answered) = oneshot::channel();
        let request = Request::Set(PendingSet { set, answer, span: Span::current() });
        self.submit("commit", request, answered).await
    }
}

/// The task: serves requests until the queue is closed and empty.
async fn serve(mut session: Session, queue: Arc<Queue<Request>>, limits: GroupLimits) {
    let queue = AbandonOnDrop(queue);
    while let Some(request) = queue.0.take().await {
        match request {
            Request::Set(first) => group::write(&mut session, gather(first, &queue.0, limits)).await,
            Request::Job(job) => job.run(&mut session).await,
        }
    }
    session.close().await;
}

/// The task's side of the queue: however the task ends, no caller waits any longer.
struct AbandonOnDrop(Arc<Queue<Request>>);

impl Drop for AbandonOnDrop {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// The write set `first` and those that wait right behind it, up to the limits.
fn gather(first: PendingSet, queue: &Queue<Request>, limits: GroupLimits) -> Vec<PendingSet> {
    let mut rows = first.set.rows();
    let mut sets = vec![first];
    let is_set = |request: &Request| matches!(request, Request::Set(_));
    while sets.len() < limits.sets && rows < limits.rows {
        let Some(Request::Set(pending)) = queue.take_if(is_set) else { break };
        rows += pending.set.rows();
        sets.push(pending);
    }
    sets
}
