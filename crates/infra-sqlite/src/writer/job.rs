use application::ports::StoreError;
use async_trait::async_trait;
use sqlx::SqliteConnection;
use tokio::sync::oneshot;
use tracing::{Instrument, Span};

use crate::error::{CallError, unavailable};
use crate::writer::session::{Flush, Room, Session};

/// A write that is not a write set, in a transaction of its own.
#[async_trait]
pub(crate) trait WriteJob: Send + Sync + 'static {
    /// The result, returned once it is committed.
    type Answer: Send + 'static;

    /// Its name in the metrics.
    const QUERY_TYPE: &'static str;

    /// How much of the allowed size it may use. Leases, marks and purges are small or free space: they may use the
    /// reserve.
    const ROOM: Room = Room::WithReserve;

    /// When it reaches the disk.
    const FLUSH: Flush = Flush::AtCommit;

    /// Writes in the open transaction.
    async fn write(&self, connection: &mut SqliteConnection) -> Result<Self::Answer, CallError>;
}

/// A job of any kind in the queue.
#[async_trait]
pub(super) trait Job: Send {
    /// Runs the job and reports its result, unless its caller has gone.
    async fn run(self: Box<Self>, session: &mut Session);
}

/// A job whose caller waits.
pub(super) struct PendingJob<J: WriteJob> {
    pub(super) job: J,
    pub(super) answer: oneshot::Sender<Result<J::Answer, StoreError>>,
    /// The caller's span.
    pub(super) span: Span,
}

#[async_trait]
impl<J: WriteJob> Job for PendingJob<J> {
    async fn run(self: Box<Self>, session: &mut Session) {
        if self.answer.is_closed() {
            return;
        }
        let outcome = attempt(&self.job, session).instrument(self.span).await;
        // A caller that has gone since gets no result.
        let _ = self.answer.send(outcome.map_err(Into::into));
    }
}

async fn attempt<J: WriteJob>(job: &J, session: &mut Session) -> Result<J::Answer, CallError> {
    let connection = session.begin(J::ROOM, J::FLUSH).await?;
    let outcome = job.write(connection).await;
    session.end(outcome).await
}

/// Moves the log into the file and truncates it; returns whether no reader prevented that.
pub(super) struct TruncateLog {
    pub(super) answer: oneshot::Sender<Result<bool, StoreError>>,
}

#[async_trait]
impl Job for TruncateLog {
    async fn run(self: Box<Self>, session: &mut Session) {
        if !self.answer.is_closed() {
            let outcome = session.truncate_log().await;
            // A caller that has gone since gets no result.
            let _ = self.answer.send(outcome.map_err(unavailable));
        }
    }
}
