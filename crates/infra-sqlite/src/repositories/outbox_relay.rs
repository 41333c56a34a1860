use std::sync::Arc;

use application::ports::{Lease, OutboxEvent, OutboxRelayRepository, StoreError};
use async_trait::async_trait;
use domain::value_objects::{EventId, PredictionId, TenantId, Timestamp};
use sqlx::{FromRow, SqliteConnection};

use crate::error::WriteError;
use crate::readers::Readers;
use crate::writer::{WriteJob, Writer};

/// The relay's side of the table `outbox`.
pub struct SqliteOutboxRelayRepository {
    readers: Readers,
    writer: Arc<Writer>,
}

/// The events that one transaction of a purge removes, so that write sets get their turn between.
const PURGED_AT_ONCE: i64 = 1_000;

impl SqliteOutboxRelayRepository {
    pub(crate) fn new(readers: Readers, writer: Arc<Writer>) -> Self {
        Self { readers, writer }
    }
}

#[async_trait]
impl OutboxRelayRepository for SqliteOutboxRelayRepository {
    #[tracing::instrument(name = "db.list_unpublished", skip_all, fields(limit))]
    async fn list_unpublished(&self, limit: u32) -> Result<Vec<OutboxEvent>, StoreError> {
        let query = sqlx::query_as::<_, OutboxRow>(
            "SELECT seq, tenant, event_id, event_type, prediction_id, occurred_at, payload FROM outbox \
             WHERE published_at IS NULL ORDER BY seq LIMIT ?1",
        )
        .bind(limit);
        let rows =
            self.readers.read("list_unpublished", move |connection| Box::pin(query.fetch_all(connection)));
        rows.await?.into_iter().map(OutboxEvent::try_from).collect()
    }

    #[tracing::instrument(name = "db.mark_published", skip_all, fields(events = events.len()))]
    async fn mark_published(
        &self,
        lease: &Lease,
        events: &[EventId],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let events = events.to_vec();
        self.writer.run(MarkPublished { lease: lease.clone(), events, now }).await
    }

    #[tracing::instrument(name = "db.purge_published", skip_all)]
    async fn purge_published(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut purged = 0;
        loop {
            let some = self.writer.run(PurgePublished { before }).await?;
            purged += some;
            if some < PURGED_AT_ONCE.unsigned_abs() {
                return Ok(purged);
            }
        }
    }
}

#[derive(FromRow)]
struct OutboxRow {
    seq: i64,
    tenant: String,
    event_id: Vec<u8>,
    event_type: String,
    prediction_id: Vec<u8>,
    occurred_at: i64,
    payload: String,
}

impl TryFrom<OutboxRow> for OutboxEvent {
    type Error = StoreError;

    fn try_from(row: OutboxRow) -> Result<Self, StoreError> {
        let corrupt = |column| StoreError::Corrupt { table: "outbox", column, id: row.seq.to_string() };
        let bits = |bytes: Vec<u8>| bytes.try_into().ok().map(u128::from_be_bytes);
        Ok(Self {
            tenant: TenantId::parse(row.tenant).map_err(|_| corrupt("tenant"))?,
            event_id: bits(row.event_id).map(EventId::from_u128).ok_or_else(|| corrupt("event_id"))?,
            event_type: row.event_type,
            prediction_id: bits(row.prediction_id)
                .map(PredictionId::from_u128)
                .ok_or_else(|| corrupt("prediction_id"))?,
            occurred_at: Timestamp::from_micros(row.occurred_at),
            payload: row.payload,
        })
    }
}

struct MarkPublished {
    lease: Lease,
    events: Vec<EventId>,
    now: Timestamp,
}

#[async_trait]
impl WriteJob for MarkPublished {
    type Answer = ();
    const QUERY_TYPE: &'static str = "mark_published";

    async fn write(&self, connection: &mut SqliteConnection) -> Result<(), WriteError> {
        let held: Option<i64> =
            sqlx::query_scalar("SELECT fence FROM leases WHERE name = ?1 AND holder = ?2 AND fence = ?3")
                .bind(&self.lease.name)
                .bind(&self.lease.holder)
                .bind(self.lease.fence)
                .fetch_optional(&mut *connection)
                .await?;
        if held.is_none() {
            return Err(WriteError::Set(StoreError::Conflict {
                entity: "lease",
                id: self.lease.name.clone(),
            }));
        }
        // The ids go in as one JSON array, whose keys are the events' places in it.
        let ids: Vec<String> = self.events.iter().map(|id| format!("{:032x}", id.as_u128())).collect();
        let ids = serde_json::Value::from(ids).to_string();
        sqlx::query(
            "UPDATE outbox SET published_at = ?1, position = feed.last_position + 1 + event.key \
             FROM outbox_feed AS feed, json_each(?2) AS event \
             WHERE outbox.event_id = unhex(event.value) AND outbox.published_at IS NULL",
        )
        .bind(self.now.as_micros())
        .bind(&ids)
        .execute(&mut *connection)
        .await?;
        sqlx::query("UPDATE outbox_feed SET last_position = last_position + json_array_length(?1)")
            .bind(&ids)
            .execute(connection)
            .await?;
        Ok(())
    }
}

struct PurgePublished {
    before: Timestamp,
}

#[async_trait]
impl WriteJob for PurgePublished {
    type Answer = u64;
    const QUERY_TYPE: &'static str = "purge_published";

    async fn write(&self, connection: &mut SqliteConnection) -> Result<u64, WriteError> {
        let purged = sqlx::query(
            "DELETE FROM outbox WHERE seq IN \
             (SELECT seq FROM outbox WHERE published_at < ?1 ORDER BY published_at LIMIT ?2)",
        )
        .bind(self.before.as_micros())
        .bind(PURGED_AT_ONCE)
        .execute(connection)
        .await?;
        Ok(purged.rows_affected())
    }
}
