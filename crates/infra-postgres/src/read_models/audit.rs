use application::ports::{AuditReadModel, StoreError};
use async_trait::async_trait;
use domain::value_objects::{AuditLine, TenantId};
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder};
use store_codec::read_line;

use crate::columns::PostgresColumns;
use crate::error::CallError;
use crate::pool::Pool;
use crate::timing::within;

/// Reads the table `audit`.
pub struct PostgresAuditReadModel {
    pool: Pool,
}

const SELECT: &str = "SELECT seq, tenant, at, actor, key_id, address, request_id, action, target, detail, seal \
     FROM audit WHERE ";

impl PostgresAuditReadModel {
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool }
    }

    async fn read(
        &self,
        query_type: &'static str,
        query: QueryBuilder<Postgres>,
    ) -> Result<Vec<AuditLine>, StoreError> {
        let rows = within(self.pool.timeout(), query_type, self.rows(query)).await?;
        rows.iter().map(|row| read_line(&PostgresColumns(row))).collect()
    }

    async fn rows(&self, mut query: QueryBuilder<Postgres>) -> Result<Vec<PgRow>, CallError> {
        let mut lent = self.pool.lend_for_list().await?;
        let rows = query.build().fetch_all(lent.connection()).await?;
        lent.give_back();
        Ok(rows)
    }

    async fn read_head(&self) -> Result<i64, CallError> {
        let mut lent = self.pool.lend().await?;
        let seq = sqlx::query_scalar("SELECT seq FROM audit_head").fetch_one(lent.connection()).await?;
        lent.give_back();
        Ok(seq)
    }
}

#[async_trait]
impl AuditReadModel for PostgresAuditReadModel {
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
        query.push(" ORDER BY seq DESC LIMIT ").push_bind(i64::from(limit));
        self.read("list_audit", query).await
    }

    #[tracing::instrument(name = "db.walk_audit", skip_all, fields(limit))]
    async fn walk(&self, after: i64, limit: u32) -> Result<Vec<AuditLine>, StoreError> {
        let mut query = QueryBuilder::new(SELECT);
        query.push("seq > ").push_bind(after).push(" ORDER BY seq LIMIT ").push_bind(i64::from(limit));
        self.read("walk_audit", query).await
    }

    #[tracing::instrument(name = "db.count_audit", skip_all)]
    async fn appended(&self) -> Result<i64, StoreError> {
        within(self.pool.timeout(), "count_audit", self.read_head()).await
    }
}
