use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use application::errors::BoxError;
use application::ports::HealthCheck;
use async_trait::async_trait;
use sqlx::SqliteConnection;

use crate::error::{CallError, Failure};
use crate::readers::Readers;
use crate::writer::{Room, WriteJob, Writer};

/// Checks whether rows can be read, on a connection of its own, and whether rows can be written.
///
/// A committed write set shows that writing works; the check itself writes only where none was committed for five
/// seconds, or where the last one failed. A store that is open for reading only is degraded: it works, but stores no
/// predictions.
pub struct SqliteHealthCheck {
    readers: Readers,
    writer: Arc<Writer>,
    read_only: bool,
    timeout: Duration,
    /// Whether rows could be read when the last check ended.
    reads: AtomicBool,
}

/// Shorter than the two seconds that the port allows.
const LONGEST: Duration = Duration::from_millis(1_900);

/// How long a committed write shows that writing works.
const WRITE_PROOF: Duration = Duration::from_secs(5);

impl SqliteHealthCheck {
    pub(crate) fn new(readers: Readers, writer: Arc<Writer>, read_only: bool, timeout: Duration) -> Self {
        let timeout = timeout.min(LONGEST);
        Self { readers, writer, read_only, timeout, reads: AtomicBool::new(false) }
    }

    async fn check_now(&self) -> Result<(), BoxError> {
        self.reads.store(false, Ordering::Release);
        if !self.writer.is_open() {
            return Err(Failure::Closed.into());
        }
        let read = self.readers.read("check", |connection| {
            Box::pin(sqlx::query("SELECT row FROM predictions LIMIT 1").fetch_optional(connection))
        });
        read.await?;
        self.reads.store(true, Ordering::Release);
        if self.read_only {
            return Err(Failure::ReadOnly.into());
        }
        let activity = self.writer.activity();
        if activity.has_inserted_within(WRITE_PROOF) {
            return Ok(());
        }
        self.writer.run(ProbeWrite).await?;
        activity.inserted();
        Ok(())
    }
}

#[async_trait]
impl HealthCheck for SqliteHealthCheck {
    fn name(&self) -> &'static str {
        "store"
    }

    fn is_vital(&self) -> bool {
        !(self.read_only && self.reads.load(Ordering::Acquire))
    }

    #[tracing::instrument(name = "db.check", skip_all)]
    async fn check(&self) -> Result<(), BoxError> {
        let checked = tokio::time::timeout(self.timeout, self.check_now()).await;
        checked.unwrap_or_else(|_elapsed| Err(Failure::TimedOut(self.timeout.as_millis()).into()))
    }
}

/// Commits a write that needs as much space as a prediction and leaves nothing behind: a lease row of a few pages,
/// which the same transaction deletes.
struct ProbeWrite;

#[async_trait]
impl WriteJob for ProbeWrite {
    type Answer = ();
    const QUERY_TYPE: &'static str = "probe_write";
    const ROOM: Room = Room::Normal;

    async fn write(&self, connection: &mut SqliteConnection) -> Result<(), CallError> {
        sqlx::query(
            "INSERT INTO leases (name, holder, fence, expires_at) VALUES ('write-probe', hex(zeroblob(6000)), 0, 0)",
        )
        .execute(&mut *connection)
        .await?;
        sqlx::query("DELETE FROM leases WHERE name = 'write-probe'").execute(connection).await?;
        Ok(())
    }
}
