use application::ports::{DayUsage, StoreError, UsageReadModel};
use async_trait::async_trait;
use domain::value_objects::TenantId;
use serde_json::Value;
use store_codec::read_usage;

use crate::columns::SqliteColumns;
use crate::readers::Readers;

/// Reads the table `usage`.
pub struct SqliteUsageReadModel {
    finds: Readers,
}

/// A row with the end of the day, then those of the principals.
const TODAY: &str = concat!(
    "SELECT ",
    day_ends_in_us!(),
    " AS ends_in_us, NULL AS tenant, NULL AS principal, NULL AS texts \
     UNION ALL SELECT * FROM (SELECT NULL, tenant, principal, sum(texts) FROM usage \
     WHERE tenant IN (SELECT value FROM json_each(?1)) AND day = ",
    today!(),
    " GROUP BY tenant, principal HAVING sum(texts) > 0)",
);

impl SqliteUsageReadModel {
    pub(crate) fn new(finds: Readers) -> Self {
        Self { finds }
    }
}

#[async_trait]
impl UsageReadModel for SqliteUsageReadModel {
    #[tracing::instrument(name = "db.read_usage", skip_all, fields(tenants = tenants.len()))]
    async fn today(&self, tenants: &[TenantId]) -> Result<DayUsage, StoreError> {
        let tenants: Value = tenants.iter().map(TenantId::as_str).collect();
        let query = sqlx::query(TODAY).bind(tenants.to_string());
        let rows =
            self.finds.read("read_usage", move |connection| Box::pin(query.fetch_all(connection))).await?;
        read_usage(rows.iter().map(SqliteColumns))
    }
}
