use application::ports::{
    GroupCell, GroupLimits, GroupTotals, GroupedRollups, RollupGrouping, RollupSelection, RollupSum,
    SeriesCell, StoreError, TrendProgress, TrendReadModel,
};
use async_trait::async_trait;
use domain::value_objects::{Bucket, TenantId, Timestamp};
use serde_json::Value;
use sqlx::Row;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use store_codec::{
    Columns, place_between, read_group_totals, read_rollup_sentiment, read_trend_progress, stored_sentiments,
};

use crate::columns::SqliteColumns;
use crate::read_models::trend_statements::{
    GROUP_SERIES_OF_MODELS, GROUP_SERIES_OF_VALUES, GROUPS_OF_MODELS, GROUPS_OF_VALUES, PROGRESS, SERIES,
};
use crate::readers::Readers;

/// Reads the table `rollups`. Sums, which may read many rows, have the connections of lists.
pub struct SqliteTrendReadModel {
    finds: Readers,
    lists: Readers,
}

impl SqliteTrendReadModel {
    pub(crate) fn new(finds: Readers, lists: Readers) -> Self {
        Self { finds, lists }
    }
}

#[async_trait]
impl TrendReadModel for SqliteTrendReadModel {
    #[tracing::instrument(name = "db.read_trend_progress", skip_all)]
    async fn progress(
        &self,
        tenant: &TenantId,
        first: Bucket,
        end: Bucket,
    ) -> Result<TrendProgress, StoreError> {
        let query =
            sqlx::query(PROGRESS).bind(tenant.as_str().to_owned()).bind(micros(first)).bind(micros(end));
        let row = self.finds.read("trend_progress", move |connection| Box::pin(query.fetch_one(connection)));
        read_trend_progress(&SqliteColumns(&row.await?), first)
    }

    #[tracing::instrument(name = "db.sum_rollups", skip_all, fields(edges = edges.len()))]
    async fn series(
        &self,
        tenant: &TenantId,
        selection: &RollupSelection,
        edges: &[Bucket],
    ) -> Result<Vec<SeriesCell>, StoreError> {
        let (dimension, value) = stored_value(selection);
        let starts: Value = edges.iter().map(|edge| micros(*edge)).collect();
        let query = sqlx::query(SERIES)
            .bind(tenant.as_str().to_owned())
            .bind(dimension)
            .bind(value)
            .bind(sentiments(selection))
            .bind(starts.to_string())
            .bind(selection.model.clone());
        let rows = self.lists.read("sum_rollups", move |connection| Box::pin(query.fetch_all(connection)));
        let mut cells = Vec::with_capacity(edges.len());
        for row in rows.await? {
            let sentiment = read_rollup_sentiment(&SqliteColumns(&row))?;
            read_sums(&row, |place, sum| {
                let bucket = usize::try_from(place).ok()?;
                cells.push(SeriesCell { bucket, sentiment, sum });
                Some(())
            })?;
        }
        Ok(cells)
    }

    #[tracing::instrument(name = "db.group_rollups", skip_all, fields(limit = limits.groups))]
    async fn groups(
        &self,
        rollups: &GroupedRollups,
        range: (Bucket, Bucket),
        limits: GroupLimits,
    ) -> Result<Option<GroupTotals>, StoreError> {
        let (statement, value) = match &rollups.grouping {
            RollupGrouping::Model => (GROUPS_OF_MODELS, Some(stored_value(&rollups.selection).1)),
            RollupGrouping::Dimension(_) => (GROUPS_OF_VALUES, None),
        };
        let mut query =
            range_query(statement, rollups, range).bind(limits.groups).bind(i64::from(limits.rows) + 1);
        if let Some(value) = value {
            query = query.bind(value);
        }
        let rows = self.lists.read("group_rollups", move |connection| Box::pin(query.fetch_all(connection)));
        read_group_totals(rows.await?.iter().map(SqliteColumns), limits.rows)
    }

    #[tracing::instrument(name = "db.sum_rollup_groups", skip_all, fields(edges = edges.len()))]
    async fn group_series(
        &self,
        rollups: &GroupedRollups,
        named: &[String],
        edges: &[Bucket],
    ) -> Result<Vec<GroupCell>, StoreError> {
        let [first, .., end] = *edges else { return Ok(Vec::new()) };
        let (statement, value) = match &rollups.grouping {
            RollupGrouping::Model => (GROUP_SERIES_OF_MODELS, Some(stored_value(&rollups.selection).1)),
            RollupGrouping::Dimension(_) => (GROUP_SERIES_OF_VALUES, None),
        };
        let mut query =
            range_query(statement, rollups, (first, end)).bind(Value::from(named.to_vec()).to_string());
        if let Some(value) = value {
            query = query.bind(value);
        }
        let rows =
            self.lists.read("sum_rollup_groups", move |connection| Box::pin(query.fetch_all(connection)));
        let mut cells = Vec::new();
        for row in rows.await? {
            let columns = SqliteColumns(&row);
            let sentiment = read_rollup_sentiment(&columns)?;
            let place = columns.integer("place").map_err(|_| corrupt("place"))?;
            let group = place.and_then(|place| usize::try_from(place).ok());
            read_sums(&row, |start, sum| {
                let bucket = place_between(edges, Bucket::containing(Timestamp::from_micros(start)))?;
                cells.push(GroupCell { group, cell: SeriesCell { bucket, sentiment, sum } });
                Some(())
            })?;
        }
        Ok(cells)
    }
}

/// The query with the values of its first eight parameters.
fn range_query(
    statement: &'static str,
    rollups: &GroupedRollups,
    (first, end): (Bucket, Bucket),
) -> sqlx::query::Query<'static, sqlx::Sqlite, SqliteArguments> {
    let GroupedRollups { tenant, selection, grouping } = rollups;
    let dimension = match grouping {
        RollupGrouping::Model => stored_value(selection).0,
        RollupGrouping::Dimension(key) => key.clone(),
    };
    sqlx::query(statement)
        .bind(tenant.as_str().to_owned())
        .bind(dimension)
        .bind(sentiments(selection))
        .bind(micros(first))
        .bind(micros(end))
        .bind(selection.model.clone())
        .bind(first.day())
        .bind(end.day())
}

/// The columns `dimension` and `value` of the selected rollups.
fn stored_value(selection: &RollupSelection) -> (String, String) {
    let value = selection.value.clone().map(|value| (value.dimension, value.value));
    value.unwrap_or_default()
}

fn sentiments(selection: &RollupSelection) -> String {
    Value::from(stored_sentiments(selection.sentiment)).to_string()
}

fn micros(bucket: Bucket) -> i64 {
    bucket.start().as_micros()
}

/// Reads the column `sums`: hands each bucket, a place or a start, with its sums to `take`, which refuses one by
/// returning none.
fn read_sums(row: &SqliteRow, mut take: impl FnMut(i64, RollupSum) -> Option<()>) -> Result<(), StoreError> {
    let text: Option<&str> = row.try_get("sums").map_err(|_| corrupt("sums"))?;
    for cell in text.unwrap_or_default().split_terminator(';') {
        let taken = parse_sum(cell).and_then(|(bucket, sum)| take(bucket, sum));
        taken.ok_or_else(|| corrupt("sums"))?;
    }
    Ok(())
}

fn parse_sum(cell: &str) -> Option<(i64, RollupSum)> {
    let mut numbers = cell.split(' ').map(|number| number.parse::<i64>().ok());
    let mut next = || numbers.next().flatten();
    let bucket = next()?;
    let sum =
        RollupSum { predictions: next()?, truncated: next()?, confident: next()?, confidence_sum: next()? };
    Some((bucket, sum))
}

fn corrupt(column: &'static str) -> StoreError {
    StoreError::Corrupt { table: "rollups", column, id: "?".to_owned() }
}
