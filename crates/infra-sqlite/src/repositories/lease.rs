use std::sync::Arc;
use std::time::Duration;

use application::ports::{Lease, LeaseRepository, StoreError};
use async_trait::async_trait;
use sqlx::SqliteConnection;

use crate::error::CallError;
use crate::writer::{WriteJob, Writer};

/// Leases in the table `leases`, granted by the one writer.
pub struct SqliteLeaseRepository {
    writer: Arc<Writer>,
}

impl SqliteLeaseRepository {
    pub(crate) fn new(writer: Arc<Writer>) -> Self {
        Self { writer }
    }
}

#[async_trait]
impl LeaseRepository for SqliteLeaseRepository {
    #[tracing::instrument(name = "db.acquire_lease", skip_all, fields(lease = name))]
    async fn acquire(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<Lease>, StoreError> {
        let (name, holder) = (name.to_owned(), holder.to_owned());
        self.writer.run(AcquireLease { name, holder, ttl }).await
    }

    #[tracing::instrument(name = "db.release_lease", skip_all, fields(lease = lease.name))]
    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        self.writer.run(ReleaseLease { lease: lease.clone() }).await
    }
}

struct AcquireLease {
    name: String,
    holder: String,
    ttl: Duration,
}

#[async_trait]
impl WriteJob for AcquireLease {
    type Answer = Option<Lease>;
    const QUERY_TYPE: &'static str = "acquire_lease";

    async fn write(&self, connection: &mut SqliteConnection) -> Result<Option<Lease>, CallError> {
        let ttl_us = i64::try_from(self.ttl.as_micros()).unwrap_or(i64::MAX / 4);
        let fence: Option<i64> = sqlx::query_scalar(concat!(
            "INSERT INTO leases (name, holder, fence, expires_at) VALUES (?1, ?2, 1, ",
            now_us!(),
            " + ?3) \
             ON CONFLICT (name) DO UPDATE SET \
             fence = leases.fence + (leases.holder IS NOT excluded.holder), \
             holder = excluded.holder, expires_at = excluded.expires_at \
             WHERE leases.holder IS excluded.holder OR leases.holder IS NULL \
             OR leases.expires_at NOT BETWEEN ",
            now_us!(),
            " + 1 AND ",
            now_us!(),
            " + 2 * ?3 RETURNING fence",
        ))
        .bind(&self.name)
        .bind(&self.holder)
        .bind(ttl_us)
        .fetch_optional(connection)
        .await?;
        let lease = |fence| Lease { name: self.name.clone(), holder: self.holder.clone(), fence };
        Ok(fence.map(lease))
    }
}

struct ReleaseLease {
    lease: Lease,
}

#[async_trait]
impl WriteJob for ReleaseLease {
    type Answer = ();
    const QUERY_TYPE: &'static str = "release_lease";

    async fn write(&self, connection: &mut SqliteConnection) -> Result<(), CallError> {
        sqlx::query("UPDATE leases SET holder = NULL WHERE name = ?1 AND holder = ?2 AND fence = ?3")
            .bind(&self.lease.name)
            .bind(&self.lease.holder)
            .bind(self.lease.fence)
            .execute(connection)
            .await?;
        Ok(())
    }
}
