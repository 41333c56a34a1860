use application::ports::{Lease, OutboxEvent, OutboxRelayRepository, StoreError};
use async_trait::async_trait;
use domain::value_objects::{EventId, PredictionId, TenantId, Timestamp};
use sqlx::{Connection, FromRow};
use uuid::Uuid;

use crate::error::CallError;
use crate::pool::Pool;
use crate::timestamp::PgTimestamp;
use crate::timing::within;

/// The relay's side of the table `outbox`.
pub struct PostgresOutboxRelayRepository {
    pool: Pool,
}

/// The events that one statement of a purge removes, so that each ends within the timeout.
const PURGED_AT_ONCE: u32 = 10_000;

impl PostgresOutboxRelayRepository {
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool }
    }

    async fn unpublished(&self, limit: u32) -> Result<Vec<OutboxRow>, CallError> {
        let mut lent = self.pool.lend().await?;
        let rows = sqlx::query_as(
            "SELECT seq, tenant, event_id, event_type, prediction_id, occurred_at, payload::text FROM outbox \
             WHERE published_at IS NULL ORDER BY seq LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(lent.connection())
        .await?;
        lent.give_back();
        Ok(rows)
    }

    /// The lease's row stays locked until the commit, so that nobody else takes the lease in between, and the
    /// feed has one writer.
    async fn mark(&self, lease: &Lease, events: &[EventId], now: Timestamp) -> Result<(), CallError> {
        let ids: Vec<Uuid> = events.iter().map(|event| Uuid::from_u128(event.as_u128())).collect();
        let now = PgTimestamp::try_from(now)?;
        let mut lent = self.pool.lend().await?;
        let mut transaction = lent.connection().begin().await?;
        let held: Option<bool> = sqlx::query_scalar(
            "SELECT true FROM leases WHERE name = $1 AND holder = $2 AND fence = $3 FOR UPDATE",
        )
        .bind(&lease.name)
        .bind(&lease.holder)
        .bind(lease.fence)
        .fetch_optional(&mut *transaction)
        .await?;
        if held.is_none() {
            transaction.rollback().await?;
            lent.give_back();
            return Err(StoreError::Conflict { entity: "lease", id: lease.name.clone() }.into());
        }
        sqlx::query(
            "WITH marked AS ( \
                 SELECT outbox.seq, row_number() OVER (ORDER BY min(event.place)) AS place \
                 FROM unnest($1::uuid[]) WITH ORDINALITY AS event (id, place) \
                 JOIN outbox ON outbox.event_id = event.id \
                 WHERE outbox.published_at IS NULL GROUP BY outbox.seq), \
             feed AS ( \
                 UPDATE outbox_feed SET last_position = last_position + (SELECT count(*) FROM marked) \
                 RETURNING last_position - (SELECT count(*) FROM marked) AS before) \
             UPDATE outbox SET published_at = $2, position = feed.before + marked.place \
             FROM marked, feed WHERE outbox.seq = marked.seq",
        )
        .bind(&ids)
        .bind(now)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        lent.give_back();
        Ok(())
    }

    async fn purge_some(&self, before: Timestamp) -> Result<u64, CallError> {
        let mut lent = self.pool.lend().await?;
        let purged = sqlx::query(
            "DELETE FROM outbox WHERE seq IN \
             (SELECT seq FROM outbox WHERE published_at < $1 ORDER BY published_at LIMIT $2)",
        )
        .bind(PgTimestamp::bound(before))
        .bind(i64::from(PURGED_AT_ONCE))
        .execute(lent.connection())
        .await?;
        lent.give_back();
        Ok(purged.rows_affected())
    }
}

#[async_trait]
impl OutboxRelayRepository for PostgresOutboxRelayRepository {
    #[tracing::instrument(name = "db.list_unpublished", skip_all, fields(limit))]
    async fn list_unpublished(&self, limit: u32) -> Result<Vec<OutboxEvent>, StoreError> {
        let rows = within(self.pool.timeout(), "list_unpublished", self.unpublished(limit)).await?;
        rows.into_iter().map(OutboxEvent::try_from).collect()
    }

    #[tracing::instrument(name = "db.mark_published", skip_all, fields(events = events.len()))]
    async fn mark_published(
        &self,
        lease: &Lease,
        events: &[EventId],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        within(self.pool.timeout(), "mark_published", self.mark(lease, events, now)).await
    }

    #[tracing::instrument(name = "db.purge_published", skip_all)]
    async fn purge_published(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut purged = 0;
        loop {
            let some = within(self.pool.timeout(), "purge_published", self.purge_some(before)).await?;
            purged += some;
            if some < PURGED_AT_ONCE.into() {
                return Ok(purged);
            }
        }
    }
}

/// A row of `outbox` that waits to be published.
#[derive(FromRow)]
struct OutboxRow {
    seq: i64,
    tenant: String,
    event_id: Uuid,
    event_type: String,
    prediction_id: Uuid,
    occurred_at: PgTimestamp,
    payload: String,
}

impl TryFrom<OutboxRow> for OutboxEvent {
    type Error = StoreError;

    fn try_from(row: OutboxRow) -> Result<Self, StoreError> {
        let corrupt = |column| StoreError::Corrupt { table: "outbox", column, id: row.seq.to_string() };
        Ok(Self {
            tenant: TenantId::parse(row.tenant).map_err(|_| corrupt("tenant"))?,
            event_id: EventId::from_u128(row.event_id.as_u128()),
            event_type: row.event_type,
            prediction_id: PredictionId::from_u128(row.prediction_id.as_u128()),
            occurred_at: row.occurred_at.into(),
            payload: row.payload,
        })
    }
}
