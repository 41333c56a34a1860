use std::sync::Arc;

use application::ports::{StoreError, UsageRepository};
use async_trait::async_trait;
use sqlx::SqliteConnection;

use crate::error::CallError;
use crate::writer::{WriteJob, Writer};

/// The rows of past days in the table `usage`.
pub struct SqliteUsageRepository {
    writer: Arc<Writer>,
}

impl SqliteUsageRepository {
    pub(crate) fn new(writer: Arc<Writer>) -> Self {
        Self { writer }
    }
}

#[async_trait]
impl UsageRepository for SqliteUsageRepository {
    #[tracing::instrument(name = "db.purge_usage", skip_all, fields(limit))]
    async fn purge(&self, days: u32, limit: u32) -> Result<u64, StoreError> {
        self.writer.run(PurgeUsage { days, limit }).await
    }
}

struct PurgeUsage {
    days: u32,
    limit: u32,
}

#[async_trait]
impl WriteJob for PurgeUsage {
    type Answer = u64;
    const QUERY_TYPE: &'static str = "purge_usage";

    async fn write(&self, connection: &mut SqliteConnection) -> Result<u64, CallError> {
        let purged = sqlx::query(concat!(
            "DELETE FROM usage WHERE (tenant, day, principal, replica) IN \
             (SELECT tenant, day, principal, replica FROM usage WHERE ",
            today!(),
            " - day >= ?1 LIMIT ?2)",
        ))
        .bind(self.days)
        .bind(self.limit)
        .execute(connection)
        .await?;
        Ok(purged.rows_affected())
    }
}
