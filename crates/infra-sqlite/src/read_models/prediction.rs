use std::time::Duration;

use application::dtos::PredictionRecord;
use application::ports::{FoundRow, PredictionFilter, PredictionPage, PredictionReadModel, StoreError};
use async_trait::async_trait;
use domain::value_objects::{PredictionId, TenantId};
use sqlx::sqlite::SqlitePool;

use crate::read_models::prediction_query::{find_query, list_query};
use crate::read_models::prediction_row::{read_id, read_row};
use crate::skipped_rows::SkippedRows;
use crate::timing::read_within;

/// Reads the table `predictions`.
pub struct SqlitePredictionReadModel {
    readers: SqlitePool,
    timeout: Duration,
    skipped: SkippedRows,
}

impl SqlitePredictionReadModel {
    pub(crate) fn new(readers: SqlitePool, timeout: Duration) -> Self {
        Self { readers, timeout, skipped: SkippedRows::default() }
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
        let row = query.build().fetch_optional(&self.readers);
        let row = read_within(self.timeout, "find", row).await?;
        row.as_ref().map(read_row).transpose()
    }

    #[tracing::instrument(name = "db.list_predictions", skip_all, fields(limit))]
    async fn list(
        &self,
        tenant: &TenantId,
        filter: &PredictionFilter,
        after: Option<PredictionId>,
        limit: u32,
    ) -> Result<PredictionPage, StoreError> {
        let mut query = list_query(tenant, filter, after, limit.saturating_add(1));
        let rows = query.build().fetch_all(&self.readers);
        let rows = read_within(self.timeout, "list", rows).await?;
        let found = |row| FoundRow { id: read_id(row).ok(), record: read_row(row) };
        PredictionPage::from_rows(rows.iter().map(found).collect(), limit, |error| self.skipped.add(error))
    }
}
