use std::sync::Arc;

use application::dtos::PredictionRecord;
use application::ports::{
    PredictionFilter, PredictionPage, PredictionReadModel, StoreError, WalkLimits, WalkPage, WalkRange,
};
use async_trait::async_trait;
use domain::value_objects::{PredictionId, TenantId};
use store_codec::{PageReader, read_prediction, read_prediction_id, read_predictions};

use crate::columns::SqliteColumns;
use crate::error::{Failure, unavailable};
use crate::read_models::prediction_query::{find_many_query, find_query, list_query};
use crate::read_models::prediction_walk::{WalkQuery, newest_query};
use crate::readers::Readers;

/// Reads the table `predictions`. Lists, which may scan every row, have connections apart from those of reads by id, so
/// that these never wait for lists.
pub struct SqlitePredictionReadModel {
    finds: Readers,
    lists: Readers,
    reader: Arc<PageReader>,
}

impl SqlitePredictionReadModel {
    pub(crate) fn new(finds: Readers, lists: Readers) -> Self {
        Self { finds, lists, reader: Arc::default() }
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
        let row = self.finds.read("find", move |connection| {
            Box::pin(async move { query.build().fetch_optional(connection).await })
        });
        row.await?.as_ref().map(|row| read_prediction(&SqliteColumns(row))).transpose()
    }

    #[tracing::instrument(name = "db.find_predictions", skip_all, fields(ids = ids.len()))]
    async fn find_many(
        &self,
        tenant: &TenantId,
        ids: &[PredictionId],
    ) -> Result<Vec<Result<Option<PredictionRecord>, StoreError>>, StoreError> {
        let mut query = find_many_query(tenant, ids);
        let rows = self.finds.read("find_many", move |connection| {
            Box::pin(async move { query.build().fetch_all(connection).await })
        });
        read_predictions(rows.await?.iter().map(SqliteColumns), ids)
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
        let rows = self.lists.read("list", move |connection| {
            Box::pin(async move { query.build().fetch_all(connection).await })
        });
        let rows = rows.await?;
        self.reader.read(rows.iter().map(SqliteColumns), limit)
    }

    #[tracing::instrument(name = "db.newest_prediction", skip_all)]
    async fn newest(&self, tenant: &TenantId) -> Result<Option<PredictionId>, StoreError> {
        let mut query = newest_query(tenant);
        let row = self.finds.read("newest", move |connection| {
            Box::pin(async move { query.build().fetch_optional(connection).await })
        });
        row.await?.as_ref().map(|row| read_prediction_id(&SqliteColumns(row))).transpose()
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
        let found = self.lists.read("walk", move |connection| Box::pin(query.run(connection))).await?;
        let reader = Arc::clone(&self.reader);
        // A page is large: it is read away from the threads of the runtime.
        let page = tokio::task::spawn_blocking(move || {
            reader.read_walk(found.rows.iter().map(SqliteColumns), found.is_full, found.edge)
        });
        page.await.unwrap_or_else(|_ended| Err(unavailable(Failure::Closed)))
    }
}
