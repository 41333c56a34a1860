use application::ports::{HistorySnapshot, OutdatedRange, PendingEvent, StoreError};
use async_trait::async_trait;
use domain::value_objects::{Dimensions, PredictionFacts};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Executor, Row};
use store_codec::{HISTORY_COLUMNS, read_history, read_pending};
use uuid::Uuid;

use crate::columns::PostgresColumns;
use crate::error::{CallError, Failure};
use crate::pool::{Lent, Pool};
use crate::repositories::rollup::ids_of;
use crate::timestamp::PgTimestamp;
use crate::timing::within;

/// A transaction that sees `predictions` and `outbox` as of one instant.
pub(super) struct PostgresHistorySnapshot {
    pool: Pool,
    /// Returned at the end; dropped before that, it is closed.
    lent: Option<Lent>,
    range: OutdatedRange,
    dimensions: Dimensions,
    /// The last id that was read, and before that none.
    last_id: Option<Uuid>,
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

const SEQUENCED: &str = "SELECT position AS place, event_type, payload::text FROM outbox \
     WHERE position > $1 AND tenant = $2 AND aggregate_type = 'prediction' ORDER BY position LIMIT $3";

const UNSEQUENCED: &str = "SELECT seq AS place, event_type, payload::text FROM outbox \
     WHERE published_at IS NULL AND seq > $1 AND tenant = $2 AND aggregate_type = 'prediction' \
     ORDER BY seq LIMIT $3";

impl PostgresHistorySnapshot {
    /// Begins the transaction; its first statement fixes the instant.
    pub(super) async fn open(
        pool: &Pool,
        range: &OutdatedRange,
        after: i64,
        dimensions: &Dimensions,
    ) -> Result<Self, CallError> {
        let mut lent = pool.lend_for_list().await?;
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1 FROM outbox_feed";
        lent.connection().execute(sqlx::raw_sql(begin)).await?;
        Ok(Self {
            pool: pool.clone(),
            lent: Some(lent),
            range: range.clone(),
            dimensions: dimensions.clone(),
            last_id: None,
            pending: Pending::Sequenced(after),
        })
    }

    fn has(&self, facts: &PredictionFacts) -> bool {
        (self.range.first.start()..self.range.last.end()).contains(&facts.created_at)
    }

    async fn prediction_rows(&mut self, limit: u32) -> Result<Vec<PgRow>, CallError> {
        let metadata = if self.dimensions.is_empty() { "" } else { ", metadata::text" };
        let [from, below] = ids_of(&self.range);
        let (from, compared) = self.last_id.map_or((from, ">="), |last| (last, ">"));
        let statement = format!(
            "SELECT {HISTORY_COLUMNS}{metadata} FROM predictions \
             WHERE tenant = $1 AND id {compared} $2 AND id < $3 AND created_at >= $4 AND created_at < $5 \
             ORDER BY id LIMIT $6"
        );
        let query = sqlx::query(AssertSqlSafe(statement))
            .bind(self.range.tenant.as_str())
            .bind(from)
            .bind(below)
            .bind(PgTimestamp::bound(self.range.first.start()))
            .bind(PgTimestamp::bound(self.range.last.end()))
            .bind(i64::from(limit));
        let Some(lent) = &mut self.lent else { return Ok(Vec::new()) };
        Ok(query.fetch_all(lent.connection()).await?)
    }

    async fn pending_rows(
        &mut self,
        statement: &'static str,
        after: i64,
        limit: u32,
    ) -> Result<Vec<PgRow>, CallError> {
        let Some(lent) = &mut self.lent else { return Err(Failure::Closed.into()) };
        let query =
            sqlx::query(statement).bind(after).bind(self.range.tenant.as_str()).bind(i64::from(limit));
        Ok(query.fetch_all(lent.connection()).await?)
    }

    /// Ends the transaction and returns its connection.
    async fn end(&mut self) -> Result<(), CallError> {
        if let Some(mut lent) = self.lent.take() {
            lent.connection().execute("ROLLBACK").await?;
            lent.give_back();
        }
        Ok(())
    }
}

#[async_trait]
impl HistorySnapshot for PostgresHistorySnapshot {
    #[tracing::instrument(name = "db.read_history", skip_all, fields(limit))]
    async fn next_predictions(&mut self, limit: u32) -> Result<Option<Vec<PredictionFacts>>, StoreError> {
        let timeout = self.pool.timeout();
        let rows = within(timeout, "read_history", self.prediction_rows(limit)).await?;
        let Some(last) = rows.last() else { return Ok(None) };
        self.last_id = Some(last.try_get("id").map_err(CallError::from)?);
        Ok(Some(read_history(rows.iter().map(PostgresColumns), &self.dimensions)))
    }

    #[tracing::instrument(name = "db.read_pending", skip_all, fields(limit))]
    async fn next_pending(&mut self, limit: u32) -> Result<Option<Vec<PendingEvent>>, StoreError> {
        let timeout = self.pool.timeout();
        let (statement, after) = match self.pending {
            Pending::Sequenced(after) => (SEQUENCED, after),
            Pending::Unsequenced(after) => (UNSEQUENCED, after),
            Pending::End => {
                within(timeout, "end_history", self.end()).await?;
                return Ok(None);
            }
        };
        let rows = within(timeout, "read_pending", self.pending_rows(statement, after, limit)).await?;
        let last =
            rows.last().map(|row| row.try_get::<i64, _>("place")).transpose().map_err(CallError::from)?;
        self.pending = match (self.pending, last) {
            (Pending::Sequenced(_), Some(last)) => Pending::Sequenced(last),
            (Pending::Sequenced(_), None) => Pending::Unsequenced(i64::MIN),
            (_, Some(last)) => Pending::Unsequenced(last),
            (_, None) => Pending::End,
        };
        let events = rows.iter().filter_map(|row| read_pending(&PostgresColumns(row)));
        Ok(Some(events.filter(|event| self.has(event.facts())).collect()))
    }
}
