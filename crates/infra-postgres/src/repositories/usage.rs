use application::ports::{StoreError, UsageRepository};
use async_trait::async_trait;

use crate::clock::today;
use crate::error::CallError;
use crate::pool::Pool;
use crate::timing::within;

/// The rows of past days in the table `usage`.
pub struct PostgresUsageRepository {
    pool: Pool,
}

const PURGE: &str = concat!(
    "DELETE FROM usage WHERE (tenant, day, principal, replica) IN \
     (SELECT tenant, day, principal, replica FROM usage WHERE ",
    today!(),
    " - day >= $1 LIMIT $2)",
);

impl PostgresUsageRepository {
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool }
    }

    async fn delete_old(&self, days: u32, limit: u32) -> Result<u64, CallError> {
        let mut lent = self.pool.lend().await?;
        let purge = sqlx::query(PURGE).bind(i64::from(days)).bind(i64::from(limit));
        let purged = purge.execute(lent.connection()).await?;
        lent.give_back();
        Ok(purged.rows_affected())
    }
}

#[async_trait]
impl UsageRepository for PostgresUsageRepository {
    #[tracing::instrument(name = "db.purge_usage", skip_all, fields(limit))]
    async fn purge(&self, days: u32, limit: u32) -> Result<u64, StoreError> {
        within(self.pool.timeout(), "purge_usage", self.delete_old(days, limit)).await
    }
}
