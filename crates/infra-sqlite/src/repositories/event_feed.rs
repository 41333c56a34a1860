use application::ports::{EventFeedRepository, FeedBounds, FeedEvent, StoreError};
use async_trait::async_trait;
use domain::value_objects::TenantId;
use sqlx::sqlite::SqliteRow;
use store_codec::FeedReader;

use crate::columns::SqliteColumns;
use crate::readers::Readers;

/// The rows of `outbox` that have a position.
pub struct SqliteEventFeedRepository {
    readers: Readers,
    reader: FeedReader,
}

impl SqliteEventFeedRepository {
    pub(crate) fn new(readers: Readers) -> Self {
        Self { readers, reader: FeedReader::default() }
    }
}

/// Reads the primary index of positions; the tenant is compared row by row.
const READ: &str = "SELECT position, tenant, event_id, event_type, aggregate_type, aggregate_id, prediction_id, \
     occurred_at, traceparent, payload FROM outbox \
     WHERE position > ?1 AND position <= ?2 AND (?3 IS NULL OR tenant = ?3) ORDER BY position";

#[async_trait]
impl EventFeedRepository for SqliteEventFeedRepository {
    #[tracing::instrument(name = "db.read_feed", skip_all, fields(after, up_to))]
    async fn read(
        &self,
        tenant: Option<&TenantId>,
        after: i64,
        up_to: i64,
    ) -> Result<Vec<FeedEvent>, StoreError> {
        let query = sqlx::query(READ).bind(after).bind(up_to).bind(tenant.map(|it| it.as_str().to_owned()));
        let read = self.readers.read("read_feed", move |connection| Box::pin(query.fetch_all(connection)));
        let rows: Vec<SqliteRow> = read.await?;
        Ok(self.reader.read(rows.iter().map(SqliteColumns)))
    }

    #[tracing::instrument(name = "db.feed_bounds", skip_all)]
    async fn bounds(&self) -> Result<FeedBounds, StoreError> {
        let query = sqlx::query_as("SELECT purged_position, last_position FROM outbox_feed");
        let read = self.readers.read("feed_bounds", move |connection| Box::pin(query.fetch_one(connection)));
        let (purged, last): (i64, i64) = read.await?;
        Ok(FeedBounds { purged, last })
    }
}
