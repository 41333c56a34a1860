use application::ports::{StoreError, TenantRepository};
use async_trait::async_trait;
use domain::entities::Tenant;
use domain::value_objects::TenantId;
use sqlx::postgres::PgRow;
use store_codec::read_tenant;

use crate::columns::PostgresColumns;
use crate::error::CallError;
use crate::pool::Pool;
use crate::timing::within;

/// The table `tenants`, and the rows that belong to a tenant.
pub struct PostgresTenantRepository {
    pool: Pool,
}

const ERASE_PREDICTIONS: &str = "DELETE FROM predictions WHERE tenant = $1 AND id IN \
     (SELECT id FROM predictions WHERE tenant = $1 ORDER BY id LIMIT $2)";

/// Reads the outbox from its beginning: it has no index on tenants, and holds the events of a short time.
const ERASE_EVENTS: &str =
    "DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox WHERE tenant = $1 ORDER BY seq LIMIT $2)";

const ERASE_ROLLUPS: &str = "DELETE FROM rollups WHERE ctid = ANY (ARRAY (\
     SELECT ctid FROM rollups WHERE tenant = $1 LIMIT $2))";

const ERASE_VALUES: &str = "DELETE FROM rollup_values WHERE ctid = ANY (ARRAY (\
     SELECT ctid FROM rollup_values WHERE tenant = $1 LIMIT $2))";

const ERASE_OUTDATED: &str = "DELETE FROM rollup_outdated WHERE ctid = ANY (ARRAY (\
     SELECT ctid FROM rollup_outdated WHERE tenant = $1 LIMIT $2))";

const ERASE_IDEMPOTENCY_KEYS: &str = "DELETE FROM idempotency_keys WHERE tenant = $1 AND key IN \
     (SELECT key FROM idempotency_keys WHERE tenant = $1 ORDER BY key LIMIT $2)";

const ERASE_USAGE: &str = "DELETE FROM usage WHERE tenant = $1 AND (day, principal, replica) IN \
     (SELECT day, principal, replica FROM usage WHERE tenant = $1 ORDER BY day, principal, replica LIMIT $2)";

const ERASE_KEYS: &str = "DELETE FROM api_keys WHERE id IN \
     (SELECT id FROM api_keys WHERE tenant = $1 ORDER BY created_at, id LIMIT $2)";

impl PostgresTenantRepository {
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool }
    }

    async fn find_row(&self, id: &TenantId) -> Result<Option<PgRow>, CallError> {
        let mut lent = self.pool.lend().await?;
        let row = sqlx::query("SELECT name, status, limits, created_at FROM tenants WHERE name = $1")
            .bind(id.as_str())
            .fetch_optional(lent.connection())
            .await?;
        lent.give_back();
        Ok(row)
    }

    async fn list_rows(&self) -> Result<Vec<PgRow>, CallError> {
        let mut lent = self.pool.lend().await?;
        let rows = sqlx::query("SELECT name, status, limits, created_at FROM tenants ORDER BY name")
            .fetch_all(lent.connection())
            .await?;
        lent.give_back();
        Ok(rows)
    }

    async fn erase(&self, tenant: &TenantId, limit: u32) -> Result<u64, CallError> {
        let mut lent = self.pool.lend().await?;
        let mut erased = 0;
        for statement in [
            ERASE_PREDICTIONS,
            ERASE_EVENTS,
            ERASE_ROLLUPS,
            ERASE_VALUES,
            ERASE_OUTDATED,
            ERASE_IDEMPOTENCY_KEYS,
            ERASE_USAGE,
            ERASE_KEYS,
        ] {
            let query = sqlx::query(statement).bind(tenant.as_str()).bind(i64::from(limit));
            erased = query.execute(lent.connection()).await?.rows_affected();
            if erased > 0 {
                break;
            }
        }
        lent.give_back();
        Ok(erased)
    }
}

#[async_trait]
impl TenantRepository for PostgresTenantRepository {
    #[tracing::instrument(name = "db.find_tenant", skip_all)]
    async fn find(&self, id: &TenantId) -> Result<Option<Tenant>, StoreError> {
        let row = within(self.pool.timeout(), "find_tenant", self.find_row(id)).await?;
        row.map(|row| read_tenant(&PostgresColumns(&row))).transpose()
    }

    #[tracing::instrument(name = "db.list_tenants", skip_all)]
    async fn list(&self) -> Result<Vec<Tenant>, StoreError> {
        let rows = within(self.pool.timeout(), "list_tenants", self.list_rows()).await?;
        rows.iter().map(|row| read_tenant(&PostgresColumns(row))).collect()
    }

    #[tracing::instrument(name = "db.erase_rows", skip_all, fields(limit))]
    async fn erase_rows(&self, tenant: &TenantId, limit: u32) -> Result<u64, StoreError> {
        within(self.pool.timeout(), "erase_rows", self.erase(tenant, limit)).await
    }
}
