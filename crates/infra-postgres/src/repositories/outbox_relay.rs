use std::time::Duration;

use application::ports::{Lease, OutboxEvent, OutboxRelayRepository, StoreError};
use async_trait::async_trait;
use domain::value_objects::EventId;
use sqlx::Connection;
use sqlx::postgres::PgRow;
use store_codec::{OutboxPage, OutboxReader};
use uuid::Uuid;

use crate::columns::PostgresColumns;
use crate::error::CallError;
use crate::pool::Pool;
use crate::timing::within;

/// The table `outbox`, for the relay.
pub struct PostgresOutboxRelayRepository {
    pool: Pool,
    reader: OutboxReader,
}

impl PostgresOutboxRelayRepository {
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool, reader: OutboxReader::default() }
    }

    /// The oldest unpublished rows that are not known to be unreadable, at most `limit`.
    async fn rows(&self, limit: u32) -> Result<Vec<PgRow>, CallError> {
        let unreadable = self.reader.unreadable();
        let mut lent = self.pool.lend().await?;
        let rows = sqlx::query(
            "SELECT seq, tenant, event_id, event_type, prediction_id, occurred_at, payload::text, \
             clock_timestamp() AS now FROM outbox \
             WHERE published_at IS NULL AND seq <> ALL ($2) ORDER BY seq LIMIT $1",
        )
        .bind(i64::from(limit))
        .bind(unreadable)
        .fetch_all(lent.connection())
        .await?;
        lent.give_back();
        Ok(rows)
    }

    /// The oldest unpublished events, at most `limit`. A page of unreadable rows only is skipped.
    async fn unpublished(&self, query_type: &'static str, limit: u32) -> Result<OutboxPage, StoreError> {
        loop {
            let rows = within(self.pool.timeout(), query_type, self.rows(limit)).await?;
            if let Some(page) = self.reader.read(rows.iter().map(PostgresColumns)) {
                return Ok(page);
            }
        }
    }

    /// The lease's row stays locked until the commit, so that the lease does not change hands in between, and the
    /// feed has one writer.
    async fn mark(&self, lease: &Lease, events: &[EventId]) -> Result<(), CallError> {
        let ids: Vec<Uuid> = events.iter().map(|event| Uuid::from_u128(event.as_u128())).collect();
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
             UPDATE outbox SET published_at = statement_timestamp(), position = feed.before + marked.place \
             FROM marked, feed WHERE outbox.seq = marked.seq",
        )
        .bind(&ids)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        lent.give_back();
        Ok(())
    }

    /// Uses the time of the statement's start: unlike `clock_timestamp()` it can bound an index scan.
    async fn purge(&self, age: Duration, limit: u32) -> Result<u64, CallError> {
        let mut lent = self.pool.lend().await?;
        let purged = sqlx::query(
            "DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox \
             WHERE published_at <= statement_timestamp() - make_interval(secs => $1) \
             ORDER BY published_at LIMIT $2)",
        )
        .bind(age.as_secs_f64())
        .bind(i64::from(limit))
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
        Ok(self.unpublished("list_unpublished", limit).await?.events)
    }

    #[tracing::instrument(name = "db.oldest_unpublished", skip_all)]
    async fn oldest_unpublished_age(&self) -> Result<Option<Duration>, StoreError> {
        Ok(self.unpublished("oldest_unpublished", 1).await?.oldest_age)
    }

    #[tracing::instrument(name = "db.mark_published", skip_all, fields(events = events.len()))]
    async fn mark_published(&self, lease: &Lease, events: &[EventId]) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        within(self.pool.timeout(), "mark_published", self.mark(lease, events)).await
    }

    #[tracing::instrument(name = "db.purge_published", skip_all, fields(limit))]
    async fn purge_published(&self, age: Duration, limit: u32) -> Result<u64, StoreError> {
        within(self.pool.timeout(), "purge_published", self.purge(age, limit)).await
    }
}
