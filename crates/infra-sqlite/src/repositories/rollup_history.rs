use application::ports::{HistorySnapshot, OutdatedRange, PendingEvent, StoreError};
use async_trait::async_trait;
use domain::value_objects::{Dimensions, PredictionFacts};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row};
use store_codec::{HISTORY_COLUMNS, read_history, read_pending};

use crate::columns::SqliteColumns;
use crate::error::unavailable;
use crate::readers::Snapshot;
use crate::repositories::rollup::ids_of;

/// A read transaction over `predictions` and `outbox`.
pub(super) struct SqliteHistorySnapshot {
    snapshot: Snapshot,
    range: OutdatedRange,
    dimensions: Dimensions,
    /// The last id that was read, and before that none.
    last_id: Option<Vec<u8>>,
    pending: Pending,
}

/// The events that are read next.
#[derive(Debug, Clone, Copy)]
enum Pending {
    /// Those above the position.
    Sequenced(i64),
    /// Those without a position, above the number of the row.
    Unsequenced(i64),
    End,
}

const SEQUENCED: &str = "SELECT position AS place, event_type, payload FROM outbox \
     WHERE position > ?1 AND tenant = ?2 AND aggregate_type = 'prediction' ORDER BY position LIMIT ?3";

const UNSEQUENCED: &str = "SELECT seq AS place, event_type, payload FROM outbox \
     WHERE published_at IS NULL AND seq > ?1 AND tenant = ?2 AND aggregate_type = 'prediction' \
     ORDER BY seq LIMIT ?3";

impl SqliteHistorySnapshot {
    pub(super) fn new(
        snapshot: Snapshot,
        range: &OutdatedRange,
        after: i64,
        dimensions: &Dimensions,
    ) -> Self {
        let pending = Pending::Sequenced(after);
        Self { snapshot, range: range.clone(), dimensions: dimensions.clone(), last_id: None, pending }
    }

    fn has(&self, facts: &PredictionFacts) -> bool {
        (self.range.first.start()..self.range.last.end()).contains(&facts.created_at)
    }
}

#[async_trait]
impl HistorySnapshot for SqliteHistorySnapshot {
    #[tracing::instrument(name = "db.read_history", skip_all, fields(limit))]
    async fn next_predictions(&mut self, limit: u32) -> Result<Option<Vec<PredictionFacts>>, StoreError> {
        let metadata = if self.dimensions.is_empty() { "" } else { ", metadata" };
        let [from, below] = ids_of(&self.range);
        let (from, compared) = self.last_id.clone().map_or((from, ">="), |last| (last, ">"));
        let statement = format!(
            "SELECT {HISTORY_COLUMNS}{metadata} FROM predictions \
             WHERE tenant = ?1 AND id {compared} ?2 AND id < ?3 AND created_at >= ?4 AND created_at < ?5 \
             ORDER BY id LIMIT ?6"
        );
        let query = sqlx::query(AssertSqlSafe(statement))
            .bind(self.range.tenant.to_string())
            .bind(from)
            .bind(below)
            .bind(self.range.first.start().as_micros())
            .bind(self.range.last.end().as_micros())
            .bind(limit);
        let read = self.snapshot.read("read_history", |connection| Box::pin(query.fetch_all(connection)));
        let rows: Vec<SqliteRow> = read.await?;
        let Some(last) = rows.last() else { return Ok(None) };
        self.last_id = Some(last.try_get("id").map_err(unavailable)?);
        Ok(Some(read_history(rows.iter().map(SqliteColumns), &self.dimensions)))
    }

    #[tracing::instrument(name = "db.read_pending", skip_all, fields(limit))]
    async fn next_pending(&mut self, limit: u32) -> Result<Option<Vec<PendingEvent>>, StoreError> {
        let (statement, after) = match self.pending {
            Pending::Sequenced(after) => (SEQUENCED, after),
            Pending::Unsequenced(after) => (UNSEQUENCED, after),
            Pending::End => return Ok(None),
        };
        let query = sqlx::query(statement).bind(after).bind(self.range.tenant.to_string()).bind(limit);
        let read = self.snapshot.read("read_pending", |connection| Box::pin(query.fetch_all(connection)));
        let rows: Vec<SqliteRow> = read.await?;
        let last = rows.last().map(|row| row.try_get::<i64, _>("place")).transpose().map_err(unavailable)?;
        self.pending = match (self.pending, last) {
            (Pending::Sequenced(_), Some(last)) => Pending::Sequenced(last),
            (Pending::Sequenced(_), None) => Pending::Unsequenced(i64::MIN),
            (_, Some(last)) => Pending::Unsequenced(last),
            (_, None) => Pending::End,
        };
        let events = rows.iter().filter_map(|row| read_pending(&SqliteColumns(row)));
        Ok(Some(events.filter(|event| self.has(event.facts())).collect()))
    }
}
