//! The one writer: a task that owns the writing connection.
//!
//! Write sets wait in a queue; the task takes all that wait, applies them in one transaction (`group`, `apply`, then
//! the lines of the audit: `audit`) and reports to each caller after the commit, so that one flush to the disk serves
//! many callers. Claims of idempotency keys share transactions of their own (`key_changes`), which are not flushed.
//! Other writes, such as that of a lease, go through the same queue as a [`Job`] in a transaction of their own.

mod access;
mod activity;
mod apply;
mod audit;
mod completion;
mod group;
mod job;
mod key_changes;
mod prepare;
mod queue;
mod session;
mod usage;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use application::ports::{ClaimOutcome, IdempotencyClaim, StoreError, UnitOfWork, WriteStore};
use async_trait::async_trait;
use domain::value_objects::TenantId;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing::Span;

use crate::error::{Failure, unavailable};
use crate::settings::SqliteSettings;
use crate::timing::within;

use group::{GroupLimits, PendingSet};
use job::{Job, PendingJob, TruncateLog};
use key_changes::{KeyChange, MOST_KEY_CHANGES, PendingKeyChange};
use prepare::prepare;
use queue::{Choice, Place, Queue};

pub(crate) use activity::Activity;
pub(crate) use job::WriteJob;
pub(crate) use key_changes::NewClaim;
pub(crate) use session::{Flush, Room, Session};

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
    KeyChange(PendingKeyChange),
    Job(Box<dyn Job>),
}

impl Request {
    /// A change of a key, with the current span.
    fn key_change(change: KeyChange) -> Self {
        Self::KeyChange(PendingKeyChange { change, span: Span::current() })
    }
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
        self.submit(J::QUERY_TYPE, request, answered, None).await
    }

    /// Claims an idempotency key. Waits no longer than its lease.
    pub(crate) async fn claim_key(&self, claim: NewClaim) -> Result<ClaimOutcome, StoreError> {
        let (answer, answered) = oneshot::channel();
        let lease = claim.lease;
        let request = Request::key_change(KeyChange::Claim(claim, answer));
        let claiming = self.submit("claim_key", request, answered, None);
        tokio::time::timeout(lease, claiming).await.unwrap_or(Err(StoreError::DeadlineExceeded))
    }

    /// Gives the key of `claim` back, unless the claim was lost or completed.
    pub(crate) async fn release_key(
        &self,
        tenant: &TenantId,
        claim: &IdempotencyClaim,
    ) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        let request = Request::key_change(KeyChange::Release(tenant.clone(), claim.clone(), answer));
        self.submit("release_key", request, answered, None).await
    }

    /// Moves the log into the file and truncates it; returns whether no reader prevented that.
    pub(crate) async fn truncate_log(&self) -> Result<bool, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.submit("cut_log", Request::Job(Box::new(TruncateLog { answer })), answered, None).await
    }

    /// Submits `request` at once and waits for its result within the timeout. At `begin_by` the request is withdrawn if
    /// the writer has not taken it. Dropping the future removes the request from the queue; where the writer has taken
    /// it, but not begun it, the closed channel shows that it is abandoned.
    async fn submit<T>(
        &self,
        query_type: &'static str,
        request: Request,
        answered: oneshot::Receiver<Result<T, StoreError>>,
        begin_by: Option<Instant>,
    ) -> Result<T, StoreError> {
        within(self.timeout, query_type, async {
            let place = self.queue.enter(request).ok_or_else(|| unavailable(Failure::Closed))?;
            answer_by(begin_by, &place, answered).await
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

/// Waits for the answer to a request. At `begin_by` the request is withdrawn, if the writer has not taken it.
async fn answer_by<T>(
    begin_by: Option<Instant>,
    place: &Place<Request>,
    mut answered: oneshot::Receiver<Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let in_time = match begin_by {
        Some(deadline) => tokio::time::timeout_at(deadline.into(), &mut answered).await.ok(),
        None => None,
    };
    let answer = match in_time {
        Some(answer) => answer,
        None if begin_by.is_some() && place.withdraw() => return Err(StoreError::DeadlineExceeded),
        None => answered.await,
    };
    answer.map_err(|_| unavailable(Failure::Closed))?
}

#[async_trait]
impl WriteStore for Writer {
    /// Writes `work` together with the sets that wait.
    #[tracing::instrument(name = "db.commit", skip_all, fields(writes = work.writes().len()))]
    async fn commit(&self, work: UnitOfWork) -> Result<(), StoreError> {
        if work.writes().is_empty() {
            return Ok(());
        }
        let begin_by = work.deadline().instant();
        // Serializing and cutting texts into terms happens here, in the caller's task, not in the writer's.
        let set = prepare(work).await?;
        let (answer, answered) = oneshot::channel();
        let request = Request::Set(PendingSet { set, answer, span: Span::current() });
        self.submit("commit", request, answered, begin_by).await
    }
}

/// The task: serves requests until the queue is closed and empty.
async fn serve(mut session: Session, queue: Arc<Queue<Request>>, limits: GroupLimits) {
    let queue = AbandonOnDrop(queue);
    while let Some(request) = queue.0.take().await {
        match request {
            Request::Set(first) => group::write(&mut session, gather(first, &queue.0, limits)).await,
            Request::KeyChange(first) => {
                key_changes::write(&mut session, gather_key_changes(first, &queue.0)).await;
            }
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

/// The write set `first` and those that wait behind it, up to the limits. Changes of keys do not separate them: all of
/// these have callers that wait, so they may be applied in any order.
fn gather(first: PendingSet, queue: &Queue<Request>, limits: GroupLimits) -> Vec<PendingSet> {
    let (mut number, mut rows) = (1, first.set.rows());
    let more = queue.take_more(|request| match request {
        Request::Set(pending) if number < limits.sets && rows < limits.rows => {
            number += 1;
            rows += pending.set.rows();
            Choice::Take
        }
        Request::KeyChange(_) => Choice::Pass,
        Request::Set(_) | Request::Job(_) => Choice::Stop,
    });
    let set = |request| if let Request::Set(pending) = request { Some(pending) } else { None };
    std::iter::once(first).chain(more.into_iter().filter_map(set)).collect()
}

/// The change of a key `first` and those that wait behind it, whether write sets are between them or not.
fn gather_key_changes(first: PendingKeyChange, queue: &Queue<Request>) -> Vec<PendingKeyChange> {
    let mut number = 1;
    let more = queue.take_more(|request| match request {
        Request::KeyChange(_) if number < MOST_KEY_CHANGES => {
            number += 1;
            Choice::Take
        }
        Request::Set(_) => Choice::Pass,
        Request::KeyChange(_) | Request::Job(_) => Choice::Stop,
    });
    let change = |request| if let Request::KeyChange(pending) = request { Some(pending) } else { None };
    std::iter::once(first).chain(more.into_iter().filter_map(change)).collect()
}

#[cfg(test)]
mod tests;
