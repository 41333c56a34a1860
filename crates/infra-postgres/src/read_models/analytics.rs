use application::ports::{AnalyticsReadModel, IdPage, IdWalk, StoreError, TextSelection};
use async_trait::async_trait;
use domain::value_objects::{PredictionId, TenantId};
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder};
use store_codec::{read_id_page, read_texts};
use uuid::Uuid;

use crate::columns::{PostgresColumns, stored_id};
use crate::error::CallError;
use crate::pool::Pool;
use crate::timing::within;

/// Reads what the analytics count from the table `predictions`.
pub struct PostgresAnalyticsReadModel {
    pool: Pool,
}

impl PostgresAnalyticsReadModel {
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool }
    }

    async fn read(&self, mut query: QueryBuilder<Postgres>) -> Result<Vec<PgRow>, CallError> {
        let mut lent = self.pool.lend_for_list().await?;
        let rows = query.build().fetch_all(lent.connection()).await?;
        lent.give_back();
        Ok(rows)
    }
}

#[async_trait]
impl AnalyticsReadModel for PostgresAnalyticsReadModel {
    #[tracing::instrument(name = "db.walk_ids", skip_all, fields(limit = walk.limit))]
    async fn walk_ids(
        &self,
        tenant: &TenantId,
        selection: &TextSelection,
        walk: IdWalk,
    ) -> Result<IdPage, StoreError> {
        let read = self.read(walk_query(tenant, selection, walk));
        let rows = within(self.pool.timeout(), "walk_ids", read).await?;
        read_id_page(rows.iter().map(PostgresColumns), walk.limit)
    }

    #[tracing::instrument(name = "db.read_texts", skip_all, fields(ids = ids.len()))]
    async fn texts(
        &self,
        tenant: &TenantId,
        ids: &[PredictionId],
    ) -> Result<Vec<(PredictionId, Option<String>)>, StoreError> {
        let read = self.read(texts_query(tenant, ids));
        let rows = within(self.pool.timeout(), "read_texts", read).await?;
        read_texts(rows.iter().map(PostgresColumns))
    }
}

/// The texts of those predictions of `ids` that the tenant has.
fn texts_query(tenant: &TenantId, ids: &[PredictionId]) -> QueryBuilder<Postgres> {
    let ids: Vec<Uuid> = ids.iter().map(|id| stored_id(id.as_u128())).collect();
    let mut query = QueryBuilder::new("SELECT id, text FROM predictions WHERE tenant = ");
    query.push_bind(tenant.as_str().to_owned()).push(" AND id = ANY (").push_bind(ids).push(")");
    query
}

/// The sampled ids among the next rows of the index, and a last row about all of these rows.
fn walk_query(tenant: &TenantId, selection: &TextSelection, walk: IdWalk) -> QueryBuilder<Postgres> {
    let (from, to) = selection.id_range();
    let matches = |query: &mut QueryBuilder<Postgres>| {
        if let Some(model) = &selection.model {
            query.push("model_name = ").push_bind(model.clone());
        } else {
            query.push("TRUE");
        }
    };
    let columns = if selection.model.is_some() { "id, model_name" } else { "id" };
    let mut query = QueryBuilder::new(format!(
        "WITH page AS MATERIALIZED (SELECT {columns} FROM predictions WHERE tenant = "
    ));
    query.push_bind(tenant.as_str().to_owned());
    query.push(" AND sentiment = ").push_bind(selection.sentiment.as_str());
    match walk.after {
        Some(after) => query.push(" AND id > ").push_bind(stored_id(after.as_u128())),
        None => query.push(" AND id >= ").push_bind(stored_id(from.as_u128())),
    };
    query.push(" AND id < ").push_bind(stored_id(to.as_u128()));
    query.push(" ORDER BY id LIMIT ").push_bind(i64::from(walk.limit));
    // The last 4 of the 16 bytes are random, and compared as an unsigned number.
    query.push(
        ") SELECT id, NULL::bigint AS examined, NULL::bigint AS matching FROM page \
         WHERE substring(uuid_send(id) FROM 13) <= ",
    );
    query.push_bind(walk.at_most.to_be_bytes().to_vec()).push(" AND ");
    matches(&mut query);
    query.push(
        " UNION ALL SELECT (SELECT id FROM page ORDER BY id DESC LIMIT 1), count(*), count(*) FILTER (WHERE ",
    );
    matches(&mut query);
    query.push(") FROM page");
    query
}
