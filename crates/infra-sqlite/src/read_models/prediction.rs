use std::time::Duration;

use application::dtos::PredictionRecord;
use application::ports::{PredictionFilter, PredictionReadModel, StoreError};
use async_trait::async_trait;
use domain::value_objects::{PredictionId, TenantId};
use sqlx::sqlite::SqlitePool;

use crate::read_models::prediction_query::{find_query, list_query};
use crate::read_models::prediction_row::PredictionRow;
use crate::timing::read_within;

/// Reads the table `predictions`.
pub struct SqlitePredictionReadModel {
    readers: SqlitePool,
    timeout: Duration,
}

impl SqlitePredictionReadModel {
    pub(crate) fn new(readers: SqlitePool, timeout: Duration) -> Self {
        Self { readers, timeout }
    }
}

#[async_trait]
impl PredictionReadModel for SqlitePredictionReadModel {
    #[tracing::instrument(name = "db.find_prediction", skip_all, fields(%id))]
    async fn find(
        &self,
        tenant: &TenantId,
        id: PredictionId,
    ) -> Result<Option<PredictionRecord>, StoreError> {
        let mut query = find_query(tenant, id);
        let row = query.build_query_as::<PredictionRow>().fetch_optional(&self.readers);
        let row = read_within(self.timeout, "find", row).await?;
        row.map(PredictionRecord::try_from).transpose()
    }

    #[tracing::instrument(name = "db.list_predictions", skip_all, fields(limit))]
    async fn list(
        &self,
        tenant: &TenantId,
        filter: &PredictionFilter,
        after: Option<PredictionId>,
        limit: u32,
    ) -> Result<Vec<PredictionRecord>, StoreError> {
        let mut query = list_query(tenant, filter, after, limit);
        let rows = query.build_query_as::<PredictionRow>().fetch_all(&self.readers);
        let rows = read_within(self.timeout, "list", rows).await?;
        rows.into_iter().map(PredictionRecord::try_from).collect()
    }
}
