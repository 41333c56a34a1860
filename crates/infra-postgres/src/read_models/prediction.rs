use application::dtos::PredictionRecord;
use application::ports::{PredictionFilter, PredictionReadModel, StoreError};
use async_trait::async_trait;
use domain::value_objects::{PredictionId, TenantId};
use sqlx::{Postgres, QueryBuilder};

use crate::error::CallError;
use crate::pool::Pool;
use crate::read_models::prediction_query::{find_query, list_query};
use crate::read_models::prediction_row::PredictionRow;
use crate::timing::within;

/// Reads the table `predictions`.
pub struct PostgresPredictionReadModel {
    pool: Pool,
}

impl PostgresPredictionReadModel {
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool }
    }

    async fn read(&self, mut query: QueryBuilder<Postgres>) -> Result<Vec<PredictionRow>, CallError> {
        let mut lent = self.pool.lend().await?;
        let rows = query.build_query_as().fetch_all(lent.connection()).await?;
        lent.give_back();
        Ok(rows)
    }
}

#[async_trait]
impl PredictionReadModel for PostgresPredictionReadModel {
    #[tracing::instrument(name = "db.find_prediction", skip_all)]
    async fn find(
        &self,
        tenant: &TenantId,
        id: PredictionId,
    ) -> Result<Option<PredictionRecord>, StoreError> {
        let rows = within(self.pool.timeout(), "find", self.read(find_query(tenant, id))).await?;
        rows.into_iter().next().map(PredictionRecord::try_from).transpose()
    }

    #[tracing::instrument(name = "db.list_predictions", skip_all, fields(limit))]
    async fn list(
        &self,
        tenant: &TenantId,
        filter: &PredictionFilter,
        after: Option<PredictionId>,
        limit: u32,
    ) -> Result<Vec<PredictionRecord>, StoreError> {
        let query = list_query(tenant, filter, after, limit);
        let rows = within(self.pool.timeout(), "list", self.read(query)).await?;
        rows.into_iter().map(PredictionRecord::try_from).collect()
    }
}
