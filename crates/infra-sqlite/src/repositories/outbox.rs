use std::sync::Arc;
use std::time::Duration;

use application::ports::{Lease, OutboxRepository, StoreError};
use async_trait::async_trait;
use domain::value_objects::Timestamp;
use sqlx::SqliteConnection;

use crate::error::CallError;
use crate::feed_wake_up::SqliteFeedWakeUp;
use crate::readers::Readers;
use crate::writer::{Flush, WriteJob, Writer};

/// The rows of `outbox` without a position.
pub struct SqliteOutboxRepository {
    readers: Readers,
    writer: Arc<Writer>,
    wake_up: Arc<SqliteFeedWakeUp>,
}

impl SqliteOutboxRepository {
    pub(crate) fn new(readers: Readers, writer: Arc<Writer>, wake_up: Arc<SqliteFeedWakeUp>) -> Self {
        Self { readers, writer, wake_up }
    }
}

#[async_trait]
impl OutboxRepository for SqliteOutboxRepository {
    #[tracing::instrument(name = "db.sequence_events", skip_all, fields(limit))]
    async fn sequence(&self, lease: &Lease, limit: u32) -> Result<u32, StoreError> {
        if !self.is_any_waiting().await? {
            return Ok(0);
        }
        let sequenced = self.writer.run(SequenceEvents { lease: lease.clone(), limit }).await?;
        self.wake_up.wake();
        Ok(sequenced)
    }

    #[tracing::instrument(name = "db.oldest_unsequenced", skip_all)]
    async fn oldest_unsequenced_age(&self) -> Result<Option<Duration>, StoreError> {
        let query = sqlx::query_as(concat!(
            "SELECT occurred_at, ",
            now_us!(),
            " FROM outbox WHERE published_at IS NULL ORDER BY seq LIMIT 1"
        ));
        let read = self
            .readers
            .read("oldest_unsequenced", move |connection| Box::pin(query.fetch_optional(connection)));
        let oldest: Option<(i64, i64)> = read.await?;
        Ok(oldest.map(|(occurred, now)| Timestamp::from_micros(now).since(Timestamp::from_micros(occurred))))
    }

    #[tracing::instrument(name = "db.purge_events", skip_all, fields(limit))]
    async fn purge(&self, age: Duration, limit: u32) -> Result<u64, StoreError> {
        self.writer.run(PurgeEvents { age, limit }).await
    }
}

impl SqliteOutboxRepository {
    /// Whether there is an event to sequence: a look spares the writer a transaction.
    async fn is_any_waiting(&self) -> Result<bool, StoreError> {
        let query = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM outbox WHERE published_at IS NULL)");
        let read =
            self.readers.read("unsequenced_events", move |connection| Box::pin(query.fetch_one(connection)));
        read.await
    }
}

/// Returns `Conflict` unless the lease is held; no other transaction can change that before the commit.
pub(super) async fn require_lease(connection: &mut SqliteConnection, lease: &Lease) -> Result<(), CallError> {
    let held: Option<i64> =
        sqlx::query_scalar("SELECT fence FROM leases WHERE name = ?1 AND holder = ?2 AND fence = ?3")
            .bind(&lease.name)
            .bind(&lease.holder)
            .bind(lease.fence)
            .fetch_optional(connection)
            .await?;
    match held {
        Some(_) => Ok(()),
        None => Err(CallError::Rejected(StoreError::Conflict { entity: "lease", id: lease.name.clone() })),
    }
}

struct SequenceEvents {
    lease: Lease,
    limit: u32,
}

#[async_trait]
impl WriteJob for SequenceEvents {
    type Answer = u32;
    const QUERY_TYPE: &'static str = "sequence_events";
    /// Events without a position get the same ones again, since a position follows the order of the rows.
    const FLUSH: Flush = Flush::WithLaterCommit;

    async fn write(&self, connection: &mut SqliteConnection) -> Result<u32, CallError> {
        require_lease(connection, &self.lease).await?;
        let sequenced = sqlx::query(concat!(
            "UPDATE outbox SET published_at = ",
            now_us!(),
            ", position = feed.last_position + waiting.place FROM outbox_feed AS feed, \
             (SELECT seq, row_number() OVER (ORDER BY seq) AS place FROM outbox WHERE published_at IS NULL \
              ORDER BY seq LIMIT ?1) AS waiting WHERE outbox.seq = waiting.seq",
        ))
        .bind(self.limit)
        .execute(&mut *connection)
        .await?;
        let sequenced = u32::try_from(sequenced.rows_affected()).unwrap_or(u32::MAX);
        sqlx::query("UPDATE outbox_feed SET last_position = last_position + ?1")
            .bind(sequenced)
            .execute(connection)
            .await?;
        Ok(sequenced)
    }
}

struct PurgeEvents {
    age: Duration,
    limit: u32,
}

#[async_trait]
impl WriteJob for PurgeEvents {
    type Answer = u64;
    const QUERY_TYPE: &'static str = "purge_events";
    const FLUSH: Flush = Flush::WithLaterCommit;

    async fn write(&self, connection: &mut SqliteConnection) -> Result<u64, CallError> {
        let purged: Vec<i64> = sqlx::query_scalar(concat!(
            "DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox WHERE published_at <= ",
            now_us!(),
            " - ?1 ORDER BY published_at, position LIMIT ?2) RETURNING position",
        ))
        .bind(i64::try_from(self.age.as_micros()).unwrap_or(i64::MAX))
        .bind(self.limit)
        .fetch_all(&mut *connection)
        .await?;
        if let Some(last) = purged.iter().max() {
            sqlx::query("UPDATE outbox_feed SET purged_position = max(purged_position, ?1)")
                .bind(last)
                .execute(connection)
                .await?;
        }
        Ok(purged.len() as u64)
    }
}
