use application::ports::{
    GroupCell, GroupLimits, GroupTotals, GroupedRollups, RollupGrouping, RollupSelection, RollupSum,
    SeriesCell, StoreError, TrendProgress, TrendReadModel,
};
use async_trait::async_trait;
use domain::value_objects::{Bucket, TenantId};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Postgres, Row};
use store_codec::{read_group_totals, read_rollup_sentiment, read_trend_progress, stored_sentiments};

use crate::columns::PostgresColumns;
use crate::error::CallError;
use crate::pool::{Lent, Pool};
use crate::read_models::trend_statements::{
    GROUP_SERIES_OF_MODELS, GROUP_SERIES_OF_VALUES, GROUPS_OF_MODELS, GROUPS_OF_VALUES, PROGRESS, SERIES,
};
use crate::timestamp::PgTimestamp;
use crate::timing::within;

/// Reads the table `rollups`. Sums, which may read many rows, have the connections of lists.
pub struct PostgresTrendReadModel {
    pool: Pool,
}

impl PostgresTrendReadModel {
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool }
    }

    async fn list(
        &self,
        query_type: &'static str,
        query: Query<'_, Postgres, PgArguments>,
    ) -> Result<Vec<PgRow>, StoreError> {
        let read = async { fetch(self.pool.lend_for_list().await?, query).await };
        within(self.pool.timeout(), query_type, read).await
    }
}

async fn fetch(mut lent: Lent, query: Query<'_, Postgres, PgArguments>) -> Result<Vec<PgRow>, CallError> {
    let rows = query.fetch_all(lent.connection()).await?;
    lent.give_back();
    Ok(rows)
}

#[async_trait]
impl TrendReadModel for PostgresTrendReadModel {
    #[tracing::instrument(name = "db.read_trend_progress", skip_all)]
    async fn progress(
        &self,
        tenant: &TenantId,
        first: Bucket,
        end: Bucket,
    ) -> Result<TrendProgress, StoreError> {
        let query = sqlx::query(PROGRESS).bind(tenant.as_str()).bind(bound(first)).bind(bound(end));
        let read = async { fetch(self.pool.lend().await?, query).await };
        let rows = within(self.pool.timeout(), "trend_progress", read).await?;
        let row = rows.first().ok_or_else(|| corrupt("position"))?;
        read_trend_progress(&PostgresColumns(row), first)
    }

    #[tracing::instrument(name = "db.sum_rollups", skip_all, fields(edges = edges.len()))]
    async fn series(
        &self,
        tenant: &TenantId,
        selection: &RollupSelection,
        edges: &[Bucket],
    ) -> Result<Vec<SeriesCell>, StoreError> {
        let [first, .., end] = *edges else { return Ok(Vec::new()) };
        let (dimension, value) = stored_value(selection);
        let query = sqlx::query(SERIES)
            .bind(tenant.as_str())
            .bind(dimension)
            .bind(value)
            .bind(stored_sentiments(selection.sentiment))
            .bind(bounds(edges))
            .bind(selection.model.as_deref())
            .bind(bound(first))
            .bind(bound(end));
        let mut cells = Vec::with_capacity(edges.len());
        for row in self.list("sum_rollups", query).await? {
            read_cells(&row, |cell| cells.push(cell))?;
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
        let (groups, most) = (i64::from(limits.groups), i64::from(limits.rows) + 1);
        let query = match &rollups.grouping {
            RollupGrouping::Model => range_query(GROUPS_OF_MODELS, rollups, range)
                .bind(groups)
                .bind(stored_value(&rollups.selection).1)
                .bind(most),
            RollupGrouping::Dimension(_) => {
                range_query(GROUPS_OF_VALUES, rollups, range).bind(groups).bind(most)
            }
        };
        let rows = self.list("group_rollups", query).await?;
        read_group_totals(rows.iter().map(PostgresColumns), limits.rows)
    }

    #[tracing::instrument(name = "db.sum_rollup_groups", skip_all, fields(edges = edges.len()))]
    async fn group_series(
        &self,
        rollups: &GroupedRollups,
        named: &[String],
        edges: &[Bucket],
    ) -> Result<Vec<GroupCell>, StoreError> {
        let [first, .., end] = *edges else { return Ok(Vec::new()) };
        let query = match &rollups.grouping {
            RollupGrouping::Model => range_query(GROUP_SERIES_OF_MODELS, rollups, (first, end))
                .bind(named)
                .bind(stored_value(&rollups.selection).1),
            RollupGrouping::Dimension(_) => {
                range_query(GROUP_SERIES_OF_VALUES, rollups, (first, end)).bind(named)
            }
        };
        let mut cells = Vec::new();
        for row in self.list("sum_rollup_groups", query.bind(bounds(edges))).await? {
            let place: Option<i32> = row.try_get("place").map_err(|_| corrupt("place"))?;
            let group = place.and_then(|place| usize::try_from(place - 1).ok());
            read_cells(&row, |cell| cells.push(GroupCell { group, cell }))?;
        }
        Ok(cells)
    }
}

/// The query with the values of its first eight parameters.
fn range_query<'q>(
    statement: &'static str,
    rollups: &'q GroupedRollups,
    (first, end): (Bucket, Bucket),
) -> Query<'q, Postgres, PgArguments> {
    let GroupedRollups { tenant, selection, grouping } = rollups;
    let dimension = match grouping {
        RollupGrouping::Model => stored_value(selection).0,
        RollupGrouping::Dimension(key) => key,
    };
    let day = |bucket: Bucket| i32::try_from(bucket.day()).unwrap_or(i32::MAX);
    sqlx::query(statement)
        .bind(tenant.as_str())
        .bind(dimension)
        .bind(stored_sentiments(selection.sentiment))
        .bind(bound(first))
        .bind(bound(end))
        .bind(selection.model.as_deref())
        .bind(day(first))
        .bind(day(end))
}

/// The columns `dimension` and `value` of the selected rollups.
fn stored_value(selection: &RollupSelection) -> (&str, &str) {
    selection.value.as_ref().map(|value| (&*value.dimension, &*value.value)).unwrap_or_default()
}

fn bound(bucket: Bucket) -> PgTimestamp {
    PgTimestamp::bound(bucket.start())
}

fn bounds(edges: &[Bucket]) -> Vec<PgTimestamp> {
    edges.iter().map(|edge| bound(*edge)).collect()
}

/// Hands the sums of a row of arrays to `take`. The buckets are numbered from 1 on.
fn read_cells(row: &PgRow, mut take: impl FnMut(SeriesCell)) -> Result<(), StoreError> {
    let sentiment = read_rollup_sentiment(&PostgresColumns(row))?;
    let buckets: Option<Vec<i32>> = row.try_get("buckets").map_err(|_| corrupt("buckets"))?;
    let Some(buckets) = buckets else { return Ok(()) };
    let numbers = |column| row.try_get::<Vec<i64>, _>(column).map_err(|_| corrupt(column));
    let (predictions, truncated) = (numbers("predictions")?, numbers("truncated")?);
    let (confident, confidence_sum) = (numbers("confident")?, numbers("confidence_sum")?);
    for (n, bucket) in buckets.into_iter().enumerate() {
        let cell = || {
            let sum = RollupSum {
                predictions: *predictions.get(n)?,
                truncated: *truncated.get(n)?,
                confident: *confident.get(n)?,
                confidence_sum: *confidence_sum.get(n)?,
            };
            Some(SeriesCell { bucket: usize::try_from(bucket - 1).ok()?, sentiment, sum })
        };
        take(cell().ok_or_else(|| corrupt("buckets"))?);
    }
    Ok(())
}

fn corrupt(column: &'static str) -> StoreError {
    StoreError::Corrupt { table: "rollups", column, id: "?".to_owned() }
}
