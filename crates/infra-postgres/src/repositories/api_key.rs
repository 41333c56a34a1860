use application::ports::{ApiKeyRepository, KeyRecord, StoreError};
use async_trait::async_trait;
use domain::entities::ApiKey;
use domain::value_objects::{KeyId, TenantId, Timestamp};
use sqlx::postgres::PgRow;
use store_codec::{read_key, read_key_record};

use crate::columns::PostgresColumns;
use crate::error::CallError;
use crate::pool::Pool;
use crate::timestamp::PgTimestamp;
use crate::timing::within;

/// The table `api_keys`.
pub struct PostgresApiKeyRepository {
    pool: Pool,
}

/// Two look-ups by primary keys.
const FIND: &str = "SELECT id, tenant, api_keys.name, scopes, api_keys.limits, secret_hash, \
     api_keys.created_at, expires_at, revoked_at, last_used_at, status AS tenant_status, \
     tenants.limits AS tenant_limits \
     FROM api_keys LEFT JOIN tenants ON tenants.name = api_keys.tenant WHERE id = $1";

const LIST: &str = "SELECT id, tenant, name, scopes, limits, secret_hash, created_at, expires_at, \
     revoked_at, last_used_at FROM api_keys WHERE tenant = $1 ORDER BY created_at DESC, id DESC";

impl PostgresApiKeyRepository {
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool }
    }

    async fn find_row(&self, id: &KeyId) -> Result<Option<PgRow>, CallError> {
        let mut lent = self.pool.lend().await?;
        let row = sqlx::query(FIND).bind(id.as_str()).fetch_optional(lent.connection()).await?;
        lent.give_back();
        Ok(row)
    }

    async fn list_rows(&self, tenant: &TenantId) -> Result<Vec<PgRow>, CallError> {
        let mut lent = self.pool.lend_for_list().await?;
        let rows = sqlx::query(LIST).bind(tenant.as_str()).fetch_all(lent.connection()).await?;
        lent.give_back();
        Ok(rows)
    }

    async fn update_use(&self, id: &KeyId, at: Timestamp) -> Result<(), CallError> {
        let mut lent = self.pool.lend().await?;
        sqlx::query(
            "UPDATE api_keys SET last_used_at = $2 \
             WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)",
        )
        .bind(id.as_str())
        .bind(PgTimestamp::bound(at))
        .execute(lent.connection())
        .await?;
        lent.give_back();
        Ok(())
    }
}

#[async_trait]
impl ApiKeyRepository for PostgresApiKeyRepository {
    #[tracing::instrument(name = "db.find_key", skip_all)]
    async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, StoreError> {
        let row = within(self.pool.timeout(), "find_key", self.find_row(id)).await?;
        row.map(|row| read_key_record(&PostgresColumns(&row))).transpose()
    }

    #[tracing::instrument(name = "db.list_keys", skip_all)]
    async fn list(&self, tenant: &TenantId) -> Result<Vec<ApiKey>, StoreError> {
        let rows = within(self.pool.timeout(), "list_keys", self.list_rows(tenant)).await?;
        rows.iter().map(|row| read_key(&PostgresColumns(row))).collect()
    }

    #[tracing::instrument(name = "db.record_use", skip_all)]
    async fn record_use(&self, id: &KeyId, at: Timestamp) -> Result<(), StoreError> {
        within(self.pool.timeout(), "record_use", self.update_use(id, at)).await
    }
}
