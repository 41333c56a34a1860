use std::sync::Arc;

use application::ports::{StoreError, TenantRepository};
use async_trait::async_trait;
use domain::entities::Tenant;
use domain::value_objects::TenantId;
use sqlx::SqliteConnection;
use store_codec::read_tenant;

use crate::columns::SqliteColumns;
use crate::error::CallError;
use crate::readers::Readers;
use crate::writer::{WriteJob, Writer};

/// The table `tenants`, and the rows that belong to a tenant.
pub struct SqliteTenantRepository {
    finds: Readers,
    writer: Arc<Writer>,
}

impl SqliteTenantRepository {
    pub(crate) fn new(finds: Readers, writer: Arc<Writer>) -> Self {
        Self { finds, writer }
    }
}

#[async_trait]
impl TenantRepository for SqliteTenantRepository {
    #[tracing::instrument(name = "db.find_tenant", skip_all)]
    async fn find(&self, id: &TenantId) -> Result<Option<Tenant>, StoreError> {
        let query = sqlx::query("SELECT name, status, limits, created_at FROM tenants WHERE name = ?1")
            .bind(id.to_string());
        let row = self
            .finds
            .read("find_tenant", move |connection| Box::pin(query.fetch_optional(connection)))
            .await?;
        row.map(|row| read_tenant(&SqliteColumns(&row))).transpose()
    }

    #[tracing::instrument(name = "db.list_tenants", skip_all)]
    async fn list(&self) -> Result<Vec<Tenant>, StoreError> {
        let query = sqlx::query("SELECT name, status, limits, created_at FROM tenants ORDER BY name");
        let rows =
            self.finds.read("list_tenants", move |connection| Box::pin(query.fetch_all(connection))).await?;
        rows.iter().map(|row| read_tenant(&SqliteColumns(row))).collect()
    }

    #[tracing::instrument(name = "db.erase_rows", skip_all, fields(limit))]
    async fn erase_rows(&self, tenant: &TenantId, limit: u32) -> Result<u64, StoreError> {
        let erased = self.writer.run(EraseRows { tenant: tenant.clone(), limit }).await?;
        if erased > 0 {
            self.writer.activity().deleted();
        }
        Ok(erased)
    }
}

struct EraseRows {
    tenant: TenantId,
    limit: u32,
}

/// Removes the terms of the predictions that the next statement removes.
const ERASE_TERMS: &str = "DELETE FROM prediction_terms WHERE rowid IN \
     (SELECT row FROM predictions WHERE tenant = ?1 ORDER BY id LIMIT ?2)";

const ERASE_PREDICTIONS: &str = "DELETE FROM predictions WHERE row IN \
     (SELECT row FROM predictions WHERE tenant = ?1 ORDER BY id LIMIT ?2)";

/// Reads the outbox from its beginning: it has no index on tenants, and holds the events of a short time.
const ERASE_EVENTS: &str =
    "DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox WHERE tenant = ?1 ORDER BY seq LIMIT ?2)";

const ERASE_ROLLUPS: &str = "DELETE FROM rollups WHERE (tenant, dimension, value, sentiment, bucket, model) IN \
     (SELECT tenant, dimension, value, sentiment, bucket, model FROM rollups WHERE tenant = ?1 LIMIT ?2)";

const ERASE_VALUES: &str = "DELETE FROM rollup_values WHERE (tenant, day, dimension, value) IN \
     (SELECT tenant, day, dimension, value FROM rollup_values WHERE tenant = ?1 LIMIT ?2)";

const ERASE_OUTDATED: &str = "DELETE FROM rollup_outdated WHERE tenant = ?1 AND first_bucket IN \
     (SELECT first_bucket FROM rollup_outdated WHERE tenant = ?1 LIMIT ?2)";

const ERASE_IDEMPOTENCY_KEYS: &str = "DELETE FROM idempotency_keys WHERE tenant = ?1 AND key IN \
     (SELECT key FROM idempotency_keys WHERE tenant = ?1 ORDER BY key LIMIT ?2)";

const ERASE_USAGE: &str = "DELETE FROM usage WHERE tenant = ?1 AND (day, principal, replica) IN \
     (SELECT day, principal, replica FROM usage WHERE tenant = ?1 ORDER BY day, principal, replica LIMIT ?2)";

const ERASE_KEYS: &str = "DELETE FROM api_keys WHERE id IN \
     (SELECT id FROM api_keys WHERE tenant = ?1 ORDER BY created_at, id LIMIT ?2)";

#[async_trait]
impl WriteJob for EraseRows {
    type Answer = u64;
    const QUERY_TYPE: &'static str = "erase_rows";

    async fn write(&self, connection: &mut SqliteConnection) -> Result<u64, CallError> {
        self.erase(connection, ERASE_TERMS).await?;
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
            let erased = self.erase(connection, statement).await?;
            if erased > 0 {
                return Ok(erased);
            }
        }
        Ok(0)
    }
}

impl EraseRows {
    async fn erase(
        &self,
        connection: &mut SqliteConnection,
        statement: &'static str,
    ) -> Result<u64, sqlx::Error> {
        let query = sqlx::query(statement).bind(self.tenant.as_str()).bind(self.limit);
        Ok(query.execute(connection).await?.rows_affected())
    }
}
