use application::ports::{DayUsage, StoreError, UsageReadModel};
use async_trait::async_trait;
use domain::value_objects::TenantId;
use sqlx::postgres::{PgBindIterExt, PgRow};
use store_codec::read_usage;

use crate::clock::{day_ends_in_us, today};
use crate::columns::PostgresColumns;
use crate::error::CallError;
use crate::pool::Pool;
use crate::timing::within;

/// Reads the table `usage`.
pub struct PostgresUsageReadModel {
    pool: Pool,
}

/// A row with the end of the day, then those of the principals.
const TODAY: &str = concat!(
    "SELECT ",
    day_ends_in_us!(),
    " AS ends_in_us, NULL AS tenant, NULL AS principal, NULL::bigint AS texts \
     UNION ALL SELECT NULL, tenant, principal, sum(texts)::bigint FROM usage WHERE tenant = ANY ($1) AND day = ",
    today!(),
    " GROUP BY tenant, principal HAVING sum(texts) > 0",
);

impl PostgresUsageReadModel {
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool }
    }

    async fn rows(&self, tenants: &[TenantId]) -> Result<Vec<PgRow>, CallError> {
        let mut lent = self.pool.lend().await?;
        let query = sqlx::query(TODAY).bind(tenants.iter().map(TenantId::as_str).bind_iter());
        let rows = query.fetch_all(lent.connection()).await?;
        lent.give_back();
        Ok(rows)
    }
}

#[async_trait]
impl UsageReadModel for PostgresUsageReadModel {
    #[tracing::instrument(name = "db.read_usage", skip_all, fields(tenants = tenants.len()))]
    async fn today(&self, tenants: &[TenantId]) -> Result<DayUsage, StoreError> {
        let rows = within(self.pool.timeout(), "read_usage", self.rows(tenants)).await?;
        read_usage(rows.iter().map(PostgresColumns))
    }
}
