use std::time::Duration;

use application::ports::{Lease, LeaseRepository, StoreError};
use async_trait::async_trait;

use crate::error::CallError;
use crate::pool::Pool;
use crate::timing::within;

/// Leases in the table `leases`.
pub struct PostgresLeaseRepository {
    pool: Pool,
}

impl PostgresLeaseRepository {
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// One statement, so that of two concurrent calls one sees the other's row. The time is the server's current
    /// time, not that of the statement's start, since the statement may have waited for the other.
    async fn take(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<i64>, CallError> {
        let mut lent = self.pool.lend().await?;
        let fence = sqlx::query_scalar(
            "INSERT INTO leases (name, holder, fence, expires_at) \
             VALUES ($1, $2, 1, clock_timestamp() + make_interval(secs => $3)) \
             ON CONFLICT (name) DO UPDATE SET \
             fence = leases.fence + (leases.holder IS DISTINCT FROM excluded.holder)::int, \
             holder = excluded.holder, expires_at = clock_timestamp() + make_interval(secs => $3) \
             WHERE leases.holder IS NULL OR leases.holder = excluded.holder \
             OR leases.expires_at <= clock_timestamp() \
             OR leases.expires_at > clock_timestamp() + make_interval(secs => 2 * $3) \
             RETURNING fence",
        )
        .bind(name)
        .bind(holder)
        .bind(ttl.as_secs_f64())
        .fetch_optional(lent.connection())
        .await?;
        lent.give_back();
        Ok(fence)
    }

    async fn give_up(&self, lease: &Lease) -> Result<(), CallError> {
        let mut lent = self.pool.lend().await?;
        sqlx::query("UPDATE leases SET holder = NULL WHERE name = $1 AND holder = $2 AND fence = $3")
            .bind(&lease.name)
            .bind(&lease.holder)
            .bind(lease.fence)
            .execute(lent.connection())
            .await?;
        lent.give_back();
        Ok(())
    }
}

#[async_trait]
impl LeaseRepository for PostgresLeaseRepository {
    #[tracing::instrument(name = "db.acquire_lease", skip_all, fields(lease = name))]
    async fn acquire(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<Lease>, StoreError> {
        let taking = self.take(name, holder, ttl);
        let fence = within(self.pool.timeout(), "acquire_lease", taking).await?;
        Ok(fence.map(|fence| Lease { name: name.to_owned(), holder: holder.to_owned(), fence }))
    }

    #[tracing::instrument(name = "db.release_lease", skip_all, fields(lease = lease.name))]
    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        within(self.pool.timeout(), "release_lease", self.give_up(lease)).await
    }
}
