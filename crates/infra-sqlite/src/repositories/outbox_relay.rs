use std::sync::Arc;
use std::time::Duration;

use application::ports::{Lease, OutboxEvent, OutboxRelayRepository, StoreError};
use async_trait::async_trait;
use domain::value_objects::EventId;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;
use store_codec::{OutboxPage, OutboxReader};

use crate::columns::SqliteColumns;
use crate::error::CallError;
use crate::readers::Readers;
use crate::writer::{WriteJob, Writer};

/// The table `outbox`, for the relay.
pub struct SqliteOutboxRelayRepository {
    readers: Readers,
    writer: Arc<Writer>,
    reader: OutboxReader,
}

impl SqliteOutboxRelayRepository {
    pub(crate) fn new(readers: Readers, writer: Arc<Writer>) -> Self {
        Self { readers, writer, reader: OutboxReader::default() }
    }

    /// The oldest unpublished rows that are not known to be unreadable, at most `limit`.
    async fn rows(&self, query_type: &'static str, limit: u32) -> Result<Vec<SqliteRow>, StoreError> {
        let unreadable = self.reader.unreadable();
        let query = sqlx::query(concat!(
            "SELECT seq, tenant, event_id, event_type, prediction_id, occurred_at, payload, ",
            now_us!(),
            " AS now FROM outbox \
             WHERE published_at IS NULL AND seq NOT IN (SELECT value FROM json_each(?2)) ORDER BY seq LIMIT ?1",
        ))
        .bind(limit)
        .bind(serde_json::Value::from(unreadable).to_string());
        self.readers.read(query_type, move |connection| Box::pin(query.fetch_all(connection))).await
    }

    /// The oldest unpublished events, at most `limit`. A page of unreadable rows only is skipped.
    async fn unpublished(&self, query_type: &'static str, limit: u32) -> Result<OutboxPage, StoreError> {
        loop {
            let rows = self.rows(query_type, limit).await?;
            if let Some(page) = self.reader.read(rows.iter().map(SqliteColumns)) {
                return Ok(page);
            }
        }
    }
}

#[async_trait]
impl OutboxRelayRepository for SqliteOutboxRelayRepository {
    #[tracing::instrument(name = "db.list_unpublished", skip_all, fields(limit))]
    async fn list_unpublished(&self, limit: u32) -> Result<Vec<OutboxEvent>, StoreError> {
        Ok(self.unpublished("list_unpublished", limit).await?.events)
    }

    #[tracing::instrument(name = "db.oldest_unpublished", skip_all)]
    async fn oldest_unpublished_age(&self) -> Result<Option<Duration>, StoreError> {
        Ok(self.unpublished("oldest_unpublished", 1).await?.oldest_age)
    }

    #[tracing::instrument(name = "db.mark_published", skip_all, fields(events = events.len()))]
    async fn mark_published(&self, lease: &Lease, events: &[EventId]) -> Result<(), StoreError> {
        self.writer.run(MarkPublished { lease: lease.clone(), events: events.to_vec() }).await
    }

    #[tracing::instrument(name = "db.purge_published", skip_all, fields(limit))]
    async fn purge_published(&self, age: Duration, limit: u32) -> Result<u64, StoreError> {
        self.writer.run(PurgePublished { age, limit }).await
    }
}

struct MarkPublished {
    lease: Lease,
    events: Vec<EventId>,
}

#[async_trait]
impl WriteJob for MarkPublished {
    type Answer = ();
    const QUERY_TYPE: &'static str = "mark_published";

    async fn write(&self, connection: &mut SqliteConnection) -> Result<(), CallError> {
        let held: Option<i64> =
            sqlx::query_scalar("SELECT fence FROM leases WHERE name = ?1 AND holder = ?2 AND fence = ?3")
                .bind(&self.lease.name)
                .bind(&self.lease.holder)
                .bind(self.lease.fence)
                .fetch_optional(&mut *connection)
                .await?;
        if held.is_none() {
            return Err(CallError::Rejected(StoreError::Conflict {
                entity: "lease",
                id: self.lease.name.clone(),
            }));
        }
        // The ids are passed as one JSON array, whose keys are the events' positions in it.
        let ids: Vec<String> = self.events.iter().map(|id| format!("{:032x}", id.as_u128())).collect();
        let ids = serde_json::Value::from(ids).to_string();
        sqlx::query(concat!(
            "UPDATE outbox SET published_at = ",
            now_us!(),
            ", position = feed.last_position + 1 + event.key \
             FROM outbox_feed AS feed, json_each(?1) AS event \
             WHERE outbox.event_id = unhex(event.value) AND outbox.published_at IS NULL",
        ))
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
    age: Duration,
    limit: u32,
}

#[async_trait]
impl WriteJob for PurgePublished {
    type Answer = u64;
    const QUERY_TYPE: &'static str = "purge_published";

    async fn write(&self, connection: &mut SqliteConnection) -> Result<u64, CallError> {
        let purged = sqlx::query(concat!(
            "DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox WHERE published_at <= ",
            now_us!(),
            " - ?1 ORDER BY published_at LIMIT ?2)",
        ))
        .bind(i64::try_from(self.age.as_micros()).unwrap_or(i64::MAX))
        .bind(self.limit)
        .execute(connection)
        .await?;
        Ok(purged.rows_affected())
    }
}
