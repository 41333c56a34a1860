use application::ports::{AnalyticsReadModel, IdPage, IdWalk, StoreError, TextSelection};
use async_trait::async_trait;
use domain::value_objects::{PredictionId, TenantId};
use store_codec::{read_id_page, read_texts};

use crate::columns::SqliteColumns;
use crate::read_models::analytics_query::{texts_query, walk_query};
use crate::readers::Readers;

/// Reads what the analytics count from the table `predictions`.
pub struct SqliteAnalyticsReadModel {
    lists: Readers,
}

impl SqliteAnalyticsReadModel {
    pub(crate) fn new(lists: Readers) -> Self {
        Self { lists }
    }
}

#[async_trait]
impl AnalyticsReadModel for SqliteAnalyticsReadModel {
    #[tracing::instrument(name = "db.walk_ids", skip_all, fields(limit = walk.limit))]
    async fn walk_ids(
        &self,
        tenant: &TenantId,
        selection: &TextSelection,
        walk: IdWalk,
    ) -> Result<IdPage, StoreError> {
        let mut query = walk_query(tenant, selection, walk);
        let rows = self.lists.read("walk_ids", move |connection| {
            Box::pin(async move { query.build().fetch_all(connection).await })
        });
        read_id_page(rows.await?.iter().map(SqliteColumns), walk.limit)
    }

    #[tracing::instrument(name = "db.read_texts", skip_all, fields(ids = ids.len()))]
    async fn texts(
        &self,
        tenant: &TenantId,
        ids: &[PredictionId],
    ) -> Result<Vec<(PredictionId, Option<String>)>, StoreError> {
        let mut query = texts_query(tenant, ids);
        let rows = self.lists.read("read_texts", move |connection| {
            Box::pin(async move { query.build().fetch_all(connection).await })
        });
        read_texts(rows.await?.iter().map(SqliteColumns))
    }
}
