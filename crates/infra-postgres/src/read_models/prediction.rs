use std::sync::Arc;

use application::dtos::PredictionRecord;
use application::ports::{
    PredictionFilter, PredictionPage, PredictionReadModel, StoreError, WalkLimits, WalkPage, WalkRange,
};
use async_trait::async_trait;
use domain::value_objects::{PredictionId, TenantId};
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder};
use store_codec::{PageReader, read_prediction, read_prediction_id, read_predictions};

use crate::columns::PostgresColumns;
use crate::error::{CallError, Failure, unavailable};
use crate::pool::{Lent, Pool};
use crate::read_models::prediction_query::{find_many_query, find_query, list_query};
use crate::read_models::prediction_walk::{WalkQuery, newest_query};
use crate::timing::within;

/// Reads the table `predictions`.
pub struct PostgresPredictionReadModel {
    pool: Pool,
    reader: Arc<PageReader>,
}

impl PostgresPredictionReadModel {
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool, reader: Arc::default() }
    }
}

async fn read(mut lent: Lent, mut query: QueryBuilder<Postgres>) -> Result<Vec<PgRow>, CallError> {
    let rows = query.build().fetch_all(lent.connection()).await?;
    lent.give_back();
    Ok(rows)
}

#[async_trait]
impl PredictionReadModel for PostgresPredictionReadModel {
    #[tracing::instrument(name = "db.find_prediction", skip_all, fields(%id))]
    async fn find(
        &self,
        tenant: &TenantId,
        id: PredictionId,
    ) -> Result<Option<PredictionRecord>, StoreError> {
        let read = async { read(self.pool.lend().await?, find_query(tenant, id)).await };
        let rows = within(self.pool.timeout(), "find", read).await?;
        rows.first().map(|row| read_prediction(&PostgresColumns(row))).transpose()
    }

    #[tracing::instrument(name = "db.find_predictions", skip_all, fields(ids = ids.len()))]
    async fn find_many(
        &self,
        tenant: &TenantId,
        ids: &[PredictionId],
    ) -> Result<Vec<Result<Option<PredictionRecord>, StoreError>>, StoreError> {
        let read = async { read(self.pool.lend().await?, find_many_query(tenant, ids)).await };
        let rows = within(self.pool.timeout(), "find_many", read).await?;
        read_predictions(rows.iter().map(PostgresColumns), ids)
    }

    #[tracing::instrument(name = "db.list_predictions", skip_all, fields(limit))]
    async fn list(
        &self,
        tenant: &TenantId,
        filter: &PredictionFilter,
        after: Option<PredictionId>,
        limit: u32,
    ) -> Result<PredictionPage, StoreError> {
        let query = list_query(tenant, filter, after, limit.saturating_add(1));
        let read = async { read(self.pool.lend_for_list().await?, query).await };
        let rows = within(self.pool.timeout(), "list", read).await?;
        self.reader.read(rows.iter().map(PostgresColumns), limit)
    }

    #[tracing::instrument(name = "db.newest_prediction", skip_all)]
    async fn newest(&self, tenant: &TenantId) -> Result<Option<PredictionId>, StoreError> {
        let read = async { read(self.pool.lend().await?, newest_query(tenant)).await };
        let rows = within(self.pool.timeout(), "newest", read).await?;
        rows.first().map(|row| read_prediction_id(&PostgresColumns(row))).transpose()
    }

    #[tracing::instrument(name = "db.walk_predictions", skip_all, fields(limit = limits.rows))]
    async fn walk(
        &self,
        tenant: &TenantId,
        filter: &PredictionFilter,
        range: WalkRange,
        limits: WalkLimits,
    ) -> Result<WalkPage, StoreError> {
        let Some(query) = WalkQuery::new(tenant, filter, range, limits) else {
            return Ok(WalkPage::default());
        };
        let read = async {
            let mut lent = self.pool.lend_for_list().await?;
            let found = query.run(lent.connection()).await?;
            lent.give_back();
            Ok::<_, CallError>(found)
        };
        let found = within(self.pool.timeout(), "walk", read).await?;
        let reader = Arc::clone(&self.reader);
        // A page is large: it is read away from the threads of the runtime.
        let page = tokio::task::spawn_blocking(move || {
            reader.read_walk(found.rows.iter().map(PostgresColumns), found.is_full, found.edge)
        });
        page.await.unwrap_or_else(|_ended| Err(unavailable(Failure::Closed)))
    }
}
