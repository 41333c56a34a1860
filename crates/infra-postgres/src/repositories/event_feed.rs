use application::ports::{EventFeedRepository, FeedBounds, FeedEvent, StoreError};
use async_trait::async_trait;
use domain::value_objects::TenantId;
use sqlx::postgres::PgRow;
use store_codec::FeedReader;

use crate::columns::PostgresColumns;
use crate::error::CallError;
use crate::pool::Pool;
use crate::timing::within;

/// The rows of `outbox` that have a position.
pub struct PostgresEventFeedRepository {
    pool: Pool,
    reader: FeedReader,
}

/// Reads the index of positions; the tenant is compared row by row.
const READ: &str = "SELECT position, tenant, event_id, event_type, aggregate_type, aggregate_id, prediction_id, \
     occurred_at, traceparent, payload::text FROM outbox \
     WHERE position > $1 AND position <= $2 AND ($3::text IS NULL OR tenant = $3) ORDER BY position";

impl PostgresEventFeedRepository {
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool, reader: FeedReader::default() }
    }

    async fn rows(&self, tenant: Option<&TenantId>, after: i64, up_to: i64) -> Result<Vec<PgRow>, CallError> {
        let mut lent = self.pool.lend().await?;
        let query = sqlx::query(READ).bind(after).bind(up_to).bind(tenant.map(TenantId::as_str));
        let rows = query.fetch_all(lent.connection()).await?;
        lent.give_back();
        Ok(rows)
    }

    async fn positions(&self) -> Result<(i64, i64), CallError> {
        let mut lent = self.pool.lend().await?;
        let query = sqlx::query_as("SELECT purged_position, last_position FROM outbox_feed");
        let positions = query.fetch_one(lent.connection()).await?;
        lent.give_back();
        Ok(positions)
    }
}

#[async_trait]
impl EventFeedRepository for PostgresEventFeedRepository {
    #[tracing::instrument(name = "db.read_feed", skip_all, fields(after, up_to))]
    async fn read(
        &self,
        tenant: Option<&TenantId>,
        after: i64,
        up_to: i64,
    ) -> Result<Vec<FeedEvent>, StoreError> {
        let rows = within(self.pool.timeout(), "read_feed", self.rows(tenant, after, up_to)).await?;
        Ok(self.reader.read(rows.iter().map(PostgresColumns)))
    }

    #[tracing::instrument(name = "db.feed_bounds", skip_all)]
    async fn bounds(&self) -> Result<FeedBounds, StoreError> {
        let (purged, last) = within(self.pool.timeout(), "feed_bounds", self.positions()).await?;
        Ok(FeedBounds { purged, last })
    }
}
