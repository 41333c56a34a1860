use std::time::Duration;

use application::ports::{Lease, SinkProgress, SinkRepository, SinkStep, StoreError};
use async_trait::async_trait;
use sqlx::PgConnection;

use crate::error::CallError;
use crate::pool::Pool;
use crate::timing::within;

/// The cursors in the table `sinks`.
pub struct PostgresSinkRepository {
    pool: Pool,
}

/// A row of [`PostgresSinkRepository::list`]: name, position, lost, behind, gap, lag in seconds.
type ProgressRow = (String, i64, i64, i64, bool, f64);

impl PostgresSinkRepository {
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool }
    }

    async fn open_sink(&self, fence: i64, name: &str) -> Result<i64, CallError> {
        let mut lent = self.pool.lend().await?;
        let position: Option<i64> = sqlx::query_scalar(
            "INSERT INTO sinks (name, position, fence, lost) SELECT $1, last_position, $2, 0 FROM outbox_feed \
             ON CONFLICT (name) DO UPDATE SET fence = excluded.fence \
             WHERE sinks.fence <= excluded.fence RETURNING position",
        )
        .bind(name)
        .bind(fence)
        .fetch_optional(lent.connection())
        .await?;
        lent.give_back();
        position.ok_or_else(|| conflict(name))
    }

    async fn advance_sink(&self, name: &str, fence: i64, step: SinkStep) -> Result<(), CallError> {
        let mut lent = self.pool.lend().await?;
        let moved = move_sink(lent.connection(), name, fence, step).await;
        lent.give_back();
        moved
    }

    async fn rows(&self) -> Result<Vec<ProgressRow>, CallError> {
        let mut lent = self.pool.lend().await?;
        let rows = sqlx::query_as(
            "SELECT name, sinks.position, lost, feed.last_position - greatest(sinks.position, 0), \
             sinks.position >= 0 AND sinks.position < feed.purged_position, \
             coalesce((SELECT greatest(extract(epoch FROM clock_timestamp() - published_at), 0)::float8 FROM outbox \
             WHERE outbox.position > sinks.position ORDER BY outbox.position LIMIT 1), 0) \
             FROM sinks, outbox_feed AS feed ORDER BY name",
        )
        .fetch_all(lent.connection())
        .await?;
        lent.give_back();
        Ok(rows)
    }
}

/// Moves the cursor of the sink `name`, which a lease with this fence must have opened last.
pub(super) async fn move_sink(
    connection: &mut PgConnection,
    name: &str,
    fence: i64,
    step: SinkStep,
) -> Result<(), CallError> {
    let moved = sqlx::query(
        "UPDATE sinks SET position = $4, lost = lost + $5 WHERE name = $1 AND fence = $2 AND position = $3",
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
    StoreError::Conflict { entity: "sink", id: sink.to_owned() }.into()
}

#[async_trait]
impl SinkRepository for PostgresSinkRepository {
    #[tracing::instrument(name = "db.open_sink", skip_all, fields(sink = name))]
    async fn open(&self, lease: &Lease, name: &str) -> Result<i64, StoreError> {
        within(self.pool.timeout(), "open_sink", self.open_sink(lease.fence, name)).await
    }

    #[tracing::instrument(name = "db.advance_sink", skip_all, fields(sink = name, to = step.to))]
    async fn advance(&self, lease: &Lease, name: &str, step: SinkStep) -> Result<(), StoreError> {
        within(self.pool.timeout(), "advance_sink", self.advance_sink(name, lease.fence, step)).await
    }

    #[tracing::instrument(name = "db.list_sinks", skip_all)]
    async fn list(&self) -> Result<Vec<SinkProgress>, StoreError> {
        let rows = within(self.pool.timeout(), "list_sinks", self.rows()).await?;
        let progress = |(name, position, lost, behind, gap, lag): ProgressRow| {
            let lag = Duration::try_from_secs_f64(lag).unwrap_or_default();
            let count = |number: i64| number.max(0).unsigned_abs();
            SinkProgress { name, position, lost: count(lost), behind: count(behind), lag, gap }
        };
        Ok(rows.into_iter().map(progress).collect())
    }
}
