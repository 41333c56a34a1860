use std::sync::Arc;
use std::time::Duration;

use application::ports::{ClaimOutcome, IdempotencyClaim, IdempotencyRepository, StoreError};
use async_trait::async_trait;
use domain::value_objects::{IdempotencyKey, RequestDigest, TenantId};
use sqlx::SqliteConnection;

use crate::error::CallError;
use crate::writer::{NewClaim, WriteJob, Writer};

/// The table `idempotency_keys`, whose rows the one writer grants.
pub struct SqliteIdempotencyRepository {
    writer: Arc<Writer>,
}

impl SqliteIdempotencyRepository {
    pub(crate) fn new(writer: Arc<Writer>) -> Self {
        Self { writer }
    }
}

#[async_trait]
impl IdempotencyRepository for SqliteIdempotencyRepository {
    #[tracing::instrument(name = "db.claim_key", skip_all)]
    async fn claim(
        &self,
        tenant: &TenantId,
        key: &IdempotencyKey,
        digest: &RequestDigest,
        lease: Duration,
    ) -> Result<ClaimOutcome, StoreError> {
        let claim = NewClaim { tenant: tenant.clone(), key: key.clone(), digest: *digest, lease };
        self.writer.claim_key(claim).await
    }

    #[tracing::instrument(name = "db.release_key", skip_all)]
    async fn release(&self, tenant: &TenantId, claim: &IdempotencyClaim) -> Result<(), StoreError> {
        self.writer.release_key(tenant, claim).await
    }

    #[tracing::instrument(name = "db.purge_keys", skip_all, fields(limit))]
    async fn purge(&self, age: Duration, limit: u32) -> Result<u64, StoreError> {
        self.writer.run(PurgeKeys { age, limit }).await
    }
}

struct PurgeKeys {
    age: Duration,
    limit: u32,
}

#[async_trait]
impl WriteJob for PurgeKeys {
    type Answer = u64;
    const QUERY_TYPE: &'static str = "purge_keys";

    async fn write(&self, connection: &mut SqliteConnection) -> Result<u64, CallError> {
        let purged = sqlx::query(concat!(
            "DELETE FROM idempotency_keys WHERE (tenant, key) IN \
             (SELECT tenant, key FROM idempotency_keys WHERE created_at <= ",
            now_us!(),
            " - ?1 ORDER BY created_at LIMIT ?2)",
        ))
        .bind(i64::try_from(self.age.as_micros()).unwrap_or(i64::MAX))
        .bind(self.limit)
        .execute(connection)
        .await?;
        Ok(purged.rows_affected())
    }
}
