use std::time::Duration;

use application::ports::{ClaimOutcome, IdempotencyClaim, IdempotencyRepository, StoreError};
use async_trait::async_trait;
use domain::value_objects::{IdempotencyKey, RequestDigest, TenantId};
use sqlx::postgres::PgRow;
use store_codec::read_claim;

use crate::columns::PostgresColumns;
use crate::error::CallError;
use crate::pool::Pool;
use crate::timing::within;

/// The table `idempotency_keys`. Claims and releases are not flushed to the disk before they return: whatever completes
/// a claim is, and a claim that is lost in a crash belongs to a request that has failed.
pub struct PostgresIdempotencyRepository {
    pool: Pool,
}

/// The row of a granted claim, else that of the key. Only where the key is absent or its lease has ended, as of the
/// start of the statement, is the row locked: repetitions of a request do not wait for its completion, nor it for them.
/// Of concurrent statements that find the key free the second waits for the first, then compares its row with the
/// current time. A statement that found the key free and did not get it returns no row: what it has read is outdated.
const CLAIM: &str = "WITH known AS MATERIALIZED ( \
         SELECT digest, answer, \
             answer IS NULL AND digest = $3 AND lease_ends_at <= clock_timestamp() AS is_free \
         FROM idempotency_keys WHERE tenant = $1 AND key = $2), \
     claimed AS ( \
         INSERT INTO idempotency_keys AS held (tenant, key, digest, fence, lease_ends_at, created_at) \
         SELECT $1, $2, $3, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, \
             clock_timestamp() + make_interval(secs => $4), clock_timestamp() \
         FROM set_config('synchronous_commit', 'off', true) \
         WHERE NOT EXISTS (SELECT FROM known WHERE NOT is_free) \
         ON CONFLICT (tenant, key) DO UPDATE SET \
             fence = greatest(held.fence + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint), \
             lease_ends_at = clock_timestamp() + make_interval(secs => $4), created_at = clock_timestamp() \
         WHERE held.answer IS NULL AND held.digest = excluded.digest \
             AND held.lease_ends_at <= clock_timestamp() \
         RETURNING fence) \
     SELECT fence, NULL::bytea AS digest, NULL::text AS answer FROM claimed \
     UNION ALL SELECT NULL, digest, answer FROM known WHERE NOT is_free";

const RELEASE: &str = "DELETE FROM idempotency_keys USING set_config('synchronous_commit', 'off', true) \
     WHERE tenant = $1 AND key = $2 AND fence = $3 AND answer IS NULL";

const PURGE: &str = "DELETE FROM idempotency_keys WHERE (tenant, key) IN \
     (SELECT tenant, key FROM idempotency_keys \
     WHERE created_at <= statement_timestamp() - make_interval(secs => $1) ORDER BY created_at LIMIT $2)";

impl PostgresIdempotencyRepository {
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool }
    }

    async fn claim_row(
        &self,
        tenant: &TenantId,
        key: &IdempotencyKey,
        digest: &RequestDigest,
        lease: Duration,
    ) -> Result<PgRow, CallError> {
        let mut lent = self.pool.lend().await?;
        let row = loop {
            let row = sqlx::query(CLAIM)
                .bind(tenant.as_str())
                .bind(key.as_str())
                .bind(&digest.as_bytes()[..])
                .bind(lease.as_secs_f64())
                .fetch_optional(lent.connection())
                .await?;
            if let Some(row) = row {
                break row;
            }
        };
        lent.give_back();
        Ok(row)
    }

    async fn delete(&self, tenant: &TenantId, claim: &IdempotencyClaim) -> Result<(), CallError> {
        let mut lent = self.pool.lend().await?;
        sqlx::query(RELEASE)
            .bind(tenant.as_str())
            .bind(claim.key.as_str())
            .bind(claim.fence)
            .execute(lent.connection())
            .await?;
        lent.give_back();
        Ok(())
    }

    async fn delete_old(&self, age: Duration, limit: u32) -> Result<u64, CallError> {
        let mut lent = self.pool.lend().await?;
        let purge = sqlx::query(PURGE).bind(age.as_secs_f64()).bind(i64::from(limit));
        let purged = purge.execute(lent.connection()).await?;
        lent.give_back();
        Ok(purged.rows_affected())
    }
}

#[async_trait]
impl IdempotencyRepository for PostgresIdempotencyRepository {
    #[tracing::instrument(name = "db.claim_key", skip_all)]
    async fn claim(
        &self,
        tenant: &TenantId,
        key: &IdempotencyKey,
        digest: &RequestDigest,
        lease: Duration,
    ) -> Result<ClaimOutcome, StoreError> {
        let claiming = self.claim_row(tenant, key, digest, lease);
        let claiming = within(self.pool.timeout(), "claim_key", claiming);
        let row = tokio::time::timeout(lease, claiming).await.unwrap_or(Err(StoreError::DeadlineExceeded))?;
        read_claim(&PostgresColumns(&row), key, digest)
    }

    #[tracing::instrument(name = "db.release_key", skip_all)]
    async fn release(&self, tenant: &TenantId, claim: &IdempotencyClaim) -> Result<(), StoreError> {
        within(self.pool.timeout(), "release_key", self.delete(tenant, claim)).await
    }

    #[tracing::instrument(name = "db.purge_keys", skip_all, fields(limit))]
    async fn purge(&self, age: Duration, limit: u32) -> Result<u64, StoreError> {
        within(self.pool.timeout(), "purge_keys", self.delete_old(age, limit)).await
    }
}
