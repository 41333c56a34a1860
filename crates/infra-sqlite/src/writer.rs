//! The one writer: a task that owns the connection that writes.
//!
//! Write sets wait in a queue; the task takes all that wait, applies them in one transaction (`group`, `apply`) and
//! answers each after the commit, so that one flush to the disk serves many callers. What is no write set, such
//! as a lease, goes through the same queue as a [`Job`] in a transaction of its own.

mod activity;
mod apply;
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
use job::{CutLog, Job, PendingJob};
use prepare::prepare;
use queue::Queue;

pub(crate) use activity::Activity;
pub(crate) use job::WriteJob;
pub(crate) use session::{Room, Session};

/// The way to the task that writes.
pub(crate) struct Writer {
    queue: Arc<Queue<Request>>,
    task: Mutex<Option<JoinHandle<()>>>,
    activity: Arc<Activity>,
    timeout: Duration,
}

/// What waits in the queue.
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

    /// Moves the log into the file and cuts it; reports whether no reader was in the way.
    pub(crate) async fn cut_log(&self) -> Result<bool, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.submit("cut_log", Request::Job(Box::new(CutLog { answer })), answered).await
    }

    /// Hands `request` in at once and waits for its answer within the timeout. A caller who gives up takes the request
    /// out of the queue again; where the writer has taken it, but not begun it, the answer's missing receiver shows that
    /// it is not wanted any more.
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

    /// Whether the task takes requests.
    pub(crate) fn is_open(&self) -> bool {
        !self.queue.is_closed()
    }

    /// What became of the last writes.
    pub(crate) fn activity(&self) -> &Activity {
        &self.activity
    }

    /// Answers everything that was handed in before, then ends the task; ends it in any case after `longest`.
    pub(crate) async fn close(&self, longest: Duration) {
        self.queue.close();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut task) = task else { return };
        match tokio::time::timeout(longest, &mut task).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the writer did not end in order"),
            Err(_elapsed) => {
                tracing::error!("the writer did not end in time; what waited for it was not written");
                task.abort();
            }
        }
    }
}

#[async_trait]
impl WriteStore for Writer {
    /// Writes `work` with whatever else waits.
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

/// The task: takes what waits until the queue is closed and empty.
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

/// The queue, as the task has it: however the task ends, nobody waits for it any more.
struct AbandonOnDrop(Arc<Queue<Request>>);

impl Drop for AbandonOnDrop {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// The write set `first` and those that wait right behind it, up to the limits.
fn gather(first: PendingSet, queue: &Queue<Request>, limits: GroupLimits) -> Vec<PendingSet> {
    let mut rows = first.set.writes().len();
    let mut sets = vec![first];
    let is_set = |request: &Request| matches!(request, Request::Set(_));
    while sets.len() < limits.sets && rows < limits.rows {
        let Some(Request::Set(pending)) = queue.take_if(is_set) else { break };
        rows += pending.set.writes().len();
        sets.push(pending);
    }
    sets
}
