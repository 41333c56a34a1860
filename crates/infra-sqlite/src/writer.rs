//! The one writer: a task that owns the connection that writes.
//!
//! Write sets wait in a queue; the task takes all that wait, applies them in one transaction (`group`, `apply`) and
//! answers each after the commit, so that one flush to the disk serves many callers. What is no write set, such
//! as a lease, goes through the same queue as a [`Job`] in a transaction of its own.

mod apply;
mod group;
mod job;
mod prepared;
mod session;

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use application::ports::StoreError;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::error::{Failure, unavailable};
use crate::settings::SqliteSettings;
use crate::timing::within;

use group::{GroupLimits, PendingSet};
use job::{Job, PendingJob};

pub(crate) use job::WriteJob;
pub(crate) use prepared::PreparedSet;
pub(crate) use session::Session;

/// The requests that may wait in the queue; beyond them callers wait for room, within their timeout.
const QUEUE: usize = 1_024;

/// The way to the task that writes.
pub(crate) struct Writer {
    queue: mpsc::Sender<Request>,
    task: Mutex<Option<JoinHandle<()>>>,
    timeout: Duration,
}

/// What waits in the queue.
enum Request {
    Set(PendingSet),
    Job(Box<dyn Job>),
    Close,
}

impl Writer {
    /// Starts the task on `session`.
    pub(crate) fn start(session: Session, settings: &SqliteSettings) -> Self {
        let (queue, requests) = mpsc::channel(QUEUE);
        let limits =
            GroupLimits { sets: settings.group_max_sets.max(1), rows: settings.group_max_rows.max(1) };
        let task = tokio::spawn(serve(session, requests, limits));
        Self { queue, task: Mutex::new(Some(task)), timeout: settings.timeout }
    }

    /// Writes `set` with whatever else waits, and answers once it is durable.
    pub(crate) async fn write(&self, set: PreparedSet) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        self.submit("commit", Request::Set(PendingSet { set, answer }), answered).await
    }

    /// Runs `job` in a transaction of its own.
    pub(crate) async fn run<J: WriteJob>(&self, job: J) -> Result<J::Answer, StoreError> {
        let (answer, answered) = oneshot::channel();
        let request = Request::Job(Box::new(PendingJob { job, answer }));
        self.submit(J::QUERY_TYPE, request, answered).await
    }

    /// Hands `request` in and waits for its answer, both within the timeout. Whoever gives up takes the answer's
    /// receiver along, by which the writer knows that a request is not wanted any more.
    async fn submit<T>(
        &self,
        query_type: &'static str,
        request: Request,
        answered: oneshot::Receiver<Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        within(self.timeout, query_type, async {
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
async fn serve(mut session: Session, mut requests: mpsc::Receiver<Request>, limits: GroupLimits) {
    let mut next = requests.recv().await;
    while let Some(request) = next {
        let mut left_over = None;
        match request {
            Request::Set(first) => {
                let mut sets = vec![first];
                left_over = gather(&mut sets, &mut requests, limits);
                group::write(&mut session, sets).await;
            }
            Request::Job(job) => job.run(&mut session).await,
            Request::Close => requests.close(),
        }
        next = match left_over {
            Some(request) => Some(request),
            None => requests.recv().await,
        };
    }
    session.close().await;
}

/// Adds the write sets that wait to `sets`, up to the limits; gives back the request that ended the gathering.
fn gather(
    sets: &mut Vec<PendingSet>,
    requests: &mut mpsc::Receiver<Request>,
    limits: GroupLimits,
) -> Option<Request> {
    let mut rows: usize = sets.iter().map(|pending| pending.set.rows()).sum();
    while sets.len() < limits.sets && rows < limits.rows {
        match requests.try_recv().ok()? {
            Request::Set(pending) => {
                rows += pending.set.rows();
                sets.push(pending);
            }
            other => return Some(other),
        }
    }
    None
}
