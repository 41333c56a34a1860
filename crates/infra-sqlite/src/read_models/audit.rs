use application::ports::{AuditReadModel, StoreError};
use async_trait::async_trait;
use domain::value_objects::{AuditLine, TenantId};
use sqlx::{QueryBuilder, Sqlite};
use store_codec::read_line;

use crate::columns::SqliteColumns;
use crate::readers::Readers;

/// Reads the table `audit`.
pub struct SqliteAuditReadModel {
    finds: Readers,
    lists: Readers,
}

const SELECT: &str = "SELECT seq, tenant, at, actor, key_id, address, request_id, action, target, detail, seal \
     FROM audit WHERE ";

impl SqliteAuditReadModel {
    pub(crate) fn new(finds: Readers, lists: Readers) -> Self {
        Self { finds, lists }
    }

    async fn read(
        &self,
        query_type: &'static str,
        mut query: QueryBuilder<Sqlite>,
    ) -> Result<Vec<AuditLine>, StoreError> {
        let rows = self.lists.read(query_type, move |connection| {
            Box::pin(async move { query.build().fetch_all(connection).await })
        });
        rows.await?.iter().map(|row| read_line(&SqliteColumns(row))).collect()
    }
}

#[async_trait]
impl AuditReadModel for SqliteAuditReadModel {
    #[tracing::instrument(name = "db.list_audit", skip_all, fields(limit))]
    async fn list(
        &self,
        tenant: Option<&TenantId>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<AuditLine>, StoreError> {
        let mut query = QueryBuilder::new(SELECT);
        if let Some(tenant) = tenant {
            query.push("tenant = ").push_bind(tenant.to_string()).push(" AND ");
        }
        query.push("seq < ").push_bind(before.unwrap_or(i64::MAX));
        query.push(" ORDER BY seq DESC LIMIT ").push_bind(limit);
        self.read("list_audit", query).await
    }

    #[tracing::instrument(name = "db.walk_audit", skip_all, fields(limit))]
    async fn walk(&self, after: i64, limit: u32) -> Result<Vec<AuditLine>, StoreError> {
        let mut query = QueryBuilder::new(SELECT);
        query.push("seq > ").push_bind(after).push(" ORDER BY seq LIMIT ").push_bind(limit);
        self.read("walk_audit", query).await
    }

    #[tracing::instrument(name = "db.count_audit", skip_all)]
    async fn appended(&self) -> Result<i64, StoreError> {
        let query = sqlx::query_scalar("SELECT seq FROM audit_head");
        self.finds.read("count_audit", move |connection| Box::pin(query.fetch_one(connection))).await
    }
}
