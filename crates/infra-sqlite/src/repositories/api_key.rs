use std::sync::Arc;

use application::ports::{ApiKeyRepository, KeyRecord, StoreError};
use async_trait::async_trait;
use domain::entities::ApiKey;
use domain::value_objects::{KeyId, TenantId, Timestamp};
use sqlx::SqliteConnection;
use store_codec::{read_key, read_key_record};

use crate::columns::SqliteColumns;
use crate::error::CallError;
use crate::readers::Readers;
use crate::writer::{WriteJob, Writer};

/// The table `api_keys`.
pub struct SqliteApiKeyRepository {
    finds: Readers,
    lists: Readers,
    writer: Arc<Writer>,
}

/// Two look-ups by primary keys.
const FIND: &str = "SELECT id, tenant, api_keys.name, scopes, api_keys.limits, secret_hash, \
     api_keys.created_at, expires_at, revoked_at, last_used_at, status AS tenant_status, \
     tenants.limits AS tenant_limits \
     FROM api_keys LEFT JOIN tenants ON tenants.name = api_keys.tenant WHERE id = ?1";

const LIST: &str = "SELECT id, tenant, name, scopes, limits, secret_hash, created_at, expires_at, \
     revoked_at, last_used_at FROM api_keys WHERE tenant = ?1 ORDER BY created_at DESC, id DESC";

impl SqliteApiKeyRepository {
    pub(crate) fn new(finds: Readers, lists: Readers, writer: Arc<Writer>) -> Self {
        Self { finds, lists, writer }
    }
}

#[async_trait]
impl ApiKeyRepository for SqliteApiKeyRepository {
    #[tracing::instrument(name = "db.find_key", skip_all)]
    async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, StoreError> {
        let query = sqlx::query(FIND).bind(id.to_string());
        let row =
            self.finds.read("find_key", move |connection| Box::pin(query.fetch_optional(connection))).await?;
        row.map(|row| read_key_record(&SqliteColumns(&row))).transpose()
    }

    #[tracing::instrument(name = "db.list_keys", skip_all)]
    async fn list(&self, tenant: &TenantId) -> Result<Vec<ApiKey>, StoreError> {
        let query = sqlx::query(LIST).bind(tenant.to_string());
        let rows =
            self.lists.read("list_keys", move |connection| Box::pin(query.fetch_all(connection))).await?;
        rows.iter().map(|row| read_key(&SqliteColumns(row))).collect()
    }

    #[tracing::instrument(name = "db.record_use", skip_all)]
    async fn record_use(&self, id: &KeyId, at: Timestamp) -> Result<(), StoreError> {
        self.writer.run(RecordUse { id: id.clone(), at }).await
    }
}

struct RecordUse {
    id: KeyId,
    at: Timestamp,
}

#[async_trait]
impl WriteJob for RecordUse {
    type Answer = ();
    const QUERY_TYPE: &'static str = "record_use";

    async fn write(&self, connection: &mut SqliteConnection) -> Result<(), CallError> {
        sqlx::query(
            "UPDATE api_keys SET last_used_at = ?2 \
             WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2)",
        )
        .bind(self.id.as_str())
        .bind(self.at.as_micros())
        .execute(connection)
        .await?;
        Ok(())
    }
}
