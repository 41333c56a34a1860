use std::time::Duration;

use application::ports::{Lease, OutboxRepository, StoreError};
use async_trait::async_trait;
use sqlx::{Connection, PgConnection};

use crate::error::CallError;
use crate::pool::Pool;
use crate::timing::within;

/// The rows of `outbox` without a position.
pub struct PostgresOutboxRepository {
    pool: Pool,
}

/// The channel on which readers of the feed are notified.
pub(crate) const FEED_CHANNEL: &str = "undertone_feed";

/// The notification is sent at the commit, once for each statement that gives positions.
const SEQUENCE: &str = "WITH waiting AS ( \
         SELECT seq, row_number() OVER (ORDER BY seq) AS place \
         FROM (SELECT seq FROM outbox WHERE published_at IS NULL ORDER BY seq LIMIT $1) AS oldest), \
     feed AS ( \
         UPDATE outbox_feed SET last_position = last_position + (SELECT count(*) FROM waiting) \
         RETURNING last_position - (SELECT count(*) FROM waiting) AS before), \
     sequenced AS ( \
         UPDATE outbox SET published_at = statement_timestamp(), position = feed.before + waiting.place \
         FROM waiting, feed WHERE outbox.seq = waiting.seq RETURNING 1) \
     SELECT count(*), (SELECT pg_notify($2, '')::text FROM waiting LIMIT 1) FROM sequenced";

impl PostgresOutboxRepository {
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// The lease's row stays locked until the commit, so that the lease does not change hands in between, and the feed
    /// has one writer.
    async fn sequence_waiting(&self, lease: &Lease, limit: u32) -> Result<u32, CallError> {
        let mut lent = self.pool.lend().await?;
        let waits: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM outbox WHERE published_at IS NULL)")
                .fetch_one(lent.connection())
                .await?;
        if !waits {
            lent.give_back();
            return Ok(0);
        }
        let mut transaction = lent.connection().begin().await?;
        if !is_held(&mut transaction, lease).await? {
            transaction.rollback().await?;
            lent.give_back();
            return Err(StoreError::Conflict { entity: "lease", id: lease.name.clone() }.into());
        }
        let (sequenced, _): (i64, Option<String>) = sqlx::query_as(SEQUENCE)
            .bind(i64::from(limit))
            .bind(FEED_CHANNEL)
            .fetch_one(&mut *transaction)
            .await?;
        transaction.commit().await?;
        lent.give_back();
        Ok(u32::try_from(sequenced).unwrap_or(u32::MAX))
    }

    async fn oldest_age(&self) -> Result<Option<f64>, CallError> {
        let mut lent = self.pool.lend().await?;
        let age = sqlx::query_scalar(
            "SELECT greatest(extract(epoch FROM clock_timestamp() - occurred_at), 0)::float8 FROM outbox \
             WHERE published_at IS NULL ORDER BY seq LIMIT 1",
        )
        .fetch_optional(lent.connection())
        .await?;
        lent.give_back();
        Ok(age)
    }

    /// Uses the time of the statement's start: unlike `clock_timestamp()` it can bound an index scan.
    async fn purge_old(&self, age: Duration, limit: u32) -> Result<u64, CallError> {
        let mut lent = self.pool.lend().await?;
        let purged: i64 = sqlx::query_scalar(
            "WITH old AS ( \
                 SELECT seq FROM outbox WHERE published_at <= statement_timestamp() - make_interval(secs => $1) \
                 ORDER BY published_at, position LIMIT $2), \
             purged AS (DELETE FROM outbox WHERE seq IN (SELECT seq FROM old) RETURNING position), \
             bound AS ( \
                 UPDATE outbox_feed SET purged_position = greatest(purged_position, (SELECT max(position) FROM purged)) \
                 WHERE EXISTS (SELECT 1 FROM purged)) \
             SELECT count(*) FROM purged",
        )
        .bind(age.as_secs_f64())
        .bind(i64::from(limit))
        .fetch_one(lent.connection())
        .await?;
        lent.give_back();
        Ok(purged.unsigned_abs())
    }
}

/// Whether the lease is held; its row stays locked until the end of the transaction.
async fn is_held(connection: &mut PgConnection, lease: &Lease) -> Result<bool, sqlx::Error> {
    let held: Option<bool> = sqlx::query_scalar(
        "SELECT true FROM leases WHERE name = $1 AND holder = $2 AND fence = $3 FOR UPDATE",
    )
    .bind(&lease.name)
    .bind(&lease.holder)
    .bind(lease.fence)
    .fetch_optional(connection)
    .await?;
    Ok(held.is_some())
}

#[async_trait]
impl OutboxRepository for PostgresOutboxRepository {
    #[tracing::instrument(name = "db.sequence_events", skip_all, fields(limit))]
    async fn sequence(&self, lease: &Lease, limit: u32) -> Result<u32, StoreError> {
        within(self.pool.timeout(), "sequence_events", self.sequence_waiting(lease, limit)).await
    }

    #[tracing::instrument(name = "db.oldest_unsequenced", skip_all)]
    async fn oldest_unsequenced_age(&self) -> Result<Option<Duration>, StoreError> {
        let age = within(self.pool.timeout(), "oldest_unsequenced", self.oldest_age()).await?;
        Ok(age.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()))
    }

    #[tracing::instrument(name = "db.purge_events", skip_all, fields(limit))]
    async fn purge(&self, age: Duration, limit: u32) -> Result<u64, StoreError> {
        within(self.pool.timeout(), "purge_events", self.purge_old(age, limit)).await
    }
}
