use application::ports::StoreError;
use async_trait::async_trait;
use sqlx::SqliteConnection;
use tokio::sync::oneshot;
use tracing::{Instrument, Span};

use crate::error::{WriteError, unavailable};
use crate::writer::session::{Room, Session};

/// Something to write that is no write set; it gets a transaction of its own.
#[async_trait]
pub(crate) trait WriteJob: Send + Sync + 'static {
    /// What is answered once it is committed.
    type Answer: Send + 'static;

    /// Its name in the metrics.
    const QUERY_TYPE: &'static str;

    /// How much of the allowed size it may use. Leases, marks and purges are small or make room: they may use what is
    /// held in reserve.
    const ROOM: Room = Room::WithReserve;

    /// Writes it.
    async fn write(&self, connection: &mut SqliteConnection) -> Result<Self::Answer, WriteError>;
}

/// A job of any kind in the queue.
#[async_trait]
pub(super) trait Job: Send {
    /// Does it and answers, unless its caller has gone.
    async fn run(self: Box<Self>, session: &mut Session);
}

/// A job and who waits for it.
pub(super) struct PendingJob<J: WriteJob> {
    pub(super) job: J,
    pub(super) answer: oneshot::Sender<Result<J::Answer, StoreError>>,
    /// Its caller's.
    pub(super) span: Span,
}

#[async_trait]
impl<J: WriteJob> Job for PendingJob<J> {
    async fn run(self: Box<Self>, session: &mut Session) {
        if self.answer.is_closed() {
            return;
        }
        let outcome = attempt(&self.job, session).instrument(self.span).await;
        // Whoever went in the meantime has been told that the outcome is not known.
        let _ = self.answer.send(outcome.map_err(Into::into));
    }
}

async fn attempt<J: WriteJob>(job: &J, session: &mut Session) -> Result<J::Answer, WriteError> {
    let connection = session.begin(J::ROOM).await?;
    let outcome = job.write(connection).await;
    session.end(outcome).await
}

/// Moves the log into the file and cuts it; the answer is whether no reader was in the way.
pub(super) struct CutLog {
    pub(super) answer: oneshot::Sender<Result<bool, StoreError>>,
}

#[async_trait]
impl Job for CutLog {
    async fn run(self: Box<Self>, session: &mut Session) {
        if !self.answer.is_closed() {
            let outcome = session.cut_log().await;
            // Whoever went in the meantime asks again.
            let _ = self.answer.send(outcome.map_err(unavailable));
        }
    }
}
