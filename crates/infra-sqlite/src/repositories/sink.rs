use std::sync::Arc;
use std::time::Duration;

use application::ports::{Lease, SinkProgress, SinkRepository, SinkStep, StoreError};
use async_trait::async_trait;
use sqlx::SqliteConnection;

use crate::error::CallError;
use crate::readers::Readers;
use crate::writer::{Flush, WriteJob, Writer};

/// The cursors in the table `sinks`.
pub struct SqliteSinkRepository {
    readers: Readers,
    writer: Arc<Writer>,
}

impl SqliteSinkRepository {
    pub(crate) fn new(readers: Readers, writer: Arc<Writer>) -> Self {
        Self { readers, writer }
    }
}

#[async_trait]
impl SinkRepository for SqliteSinkRepository {
    #[tracing::instrument(name = "db.open_sink", skip_all, fields(sink = name))]
    async fn open(&self, lease: &Lease, name: &str) -> Result<i64, StoreError> {
        self.writer.run(OpenSink { fence: lease.fence, name: name.to_owned() }).await
    }

    #[tracing::instrument(name = "db.advance_sink", skip_all, fields(sink = name, to = step.to))]
    async fn advance(&self, lease: &Lease, name: &str, step: SinkStep) -> Result<(), StoreError> {
        self.writer.run(AdvanceSink { fence: lease.fence, name: name.to_owned(), step }).await
    }

    #[tracing::instrument(name = "db.list_sinks", skip_all)]
    async fn list(&self) -> Result<Vec<SinkProgress>, StoreError> {
        let query = sqlx::query_as(concat!(
            "SELECT name, sinks.position, lost, feed.last_position - max(sinks.position, 0), \
             sinks.position BETWEEN 0 AND feed.purged_position - 1, \
             coalesce((SELECT max(",
            now_us!(),
            " - published_at, 0) FROM outbox WHERE outbox.position > sinks.position \
             ORDER BY outbox.position LIMIT 1), 0) \
             FROM sinks, outbox_feed AS feed ORDER BY name",
        ));
        let read = self.readers.read("list_sinks", move |connection| Box::pin(query.fetch_all(connection)));
        let rows: Vec<(String, i64, i64, i64, bool, i64)> = read.await?;
        let progress = |(name, position, lost, behind, gap, lag): (String, i64, i64, i64, bool, i64)| {
            let lag = Duration::from_micros(lag.max(0).unsigned_abs());
            let count = |number: i64| number.max(0).unsigned_abs();
            SinkProgress { name, position, lost: count(lost), behind: count(behind), lag, gap }
        };
        Ok(rows.into_iter().map(progress).collect())
    }
}

struct OpenSink {
    fence: i64,
    name: String,
}

#[async_trait]
impl WriteJob for OpenSink {
    type Answer = i64;
    const QUERY_TYPE: &'static str = "open_sink";
    const FLUSH: Flush = Flush::WithLaterCommit;

    async fn write(&self, connection: &mut SqliteConnection) -> Result<i64, CallError> {
        let position: Option<i64> = sqlx::query_scalar(
            "INSERT INTO sinks (name, position, fence, lost) SELECT ?1, last_position, ?2, 0 FROM outbox_feed \
             WHERE true ON CONFLICT (name) DO UPDATE SET fence = excluded.fence \
             WHERE sinks.fence <= excluded.fence RETURNING position",
        )
        .bind(&self.name)
        .bind(self.fence)
        .fetch_optional(connection)
        .await?;
        position.ok_or_else(|| conflict(&self.name))
    }
}

struct AdvanceSink {
    fence: i64,
    name: String,
    step: SinkStep,
}

#[async_trait]
impl WriteJob for AdvanceSink {
    type Answer = ();
    const QUERY_TYPE: &'static str = "advance_sink";
    /// A cursor that a loss of power sets back repeats events, which receivers recognize.
    const FLUSH: Flush = Flush::WithLaterCommit;

    async fn write(&self, connection: &mut SqliteConnection) -> Result<(), CallError> {
        move_sink(connection, &self.name, self.fence, self.step).await
    }
}

/// Moves the cursor of the sink `name`, which a lease with this fence must have opened last.
pub(super) async fn move_sink(
    connection: &mut SqliteConnection,
    name: &str,
    fence: i64,
    step: SinkStep,
) -> Result<(), CallError> {
    let moved = sqlx::query(
        "UPDATE sinks SET position = ?4, lost = lost + ?5 WHERE name = ?1 AND fence = ?2 AND position = ?3",
    )
    .bind(name)
    .bind(fence)
    .bind(step.from)
    .bind(step.to)
    .bind(i64::try_from(step.lost).unwrap_or(i64::MAX))
    .execute(connection)
    .await?;
    if moved.rows_affected() == 1 { Ok(()) } else { Err(conflict(name)) }
}

fn conflict(sink: &str) -> CallError {
    CallError::Rejected(StoreError::Conflict { entity: "sink", id: sink.to_owned() })
}
