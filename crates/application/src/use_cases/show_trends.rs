use std::sync::Arc;
use std::time::Duration;

use domain::errors::{DomainError, Rule};
use domain::value_objects::{Bucket, BucketWidth, Dimensions, TenantId, Timestamp};

use crate::action::log_action;
use crate::dtos::{ShowTrendsRequest, ShowTrendsResponse, TrendBucket, TrendBy, TrendFilter, TrendGroup};
use crate::errors::ApplicationError;
use crate::ports::{
    Calendar, Clock, GroupLimits, GroupedRollups, RollupGrouping, RollupSelection, SentimentSums,
    TrendReadModel,
};
use crate::use_cases::rollup_range::{MAX_GROUPED_ROWS, RollupRange, complete_until, too_much};

/// Shows how predictions develop over time.
pub struct ShowTrendsUseCase {
    trends: Arc<dyn TrendReadModel>,
    calendar: Arc<dyn Calendar>,
    dimensions: Dimensions,
    clock: Arc<dyn Clock>,
}

/// What is read and shown of groups.
const LIMITS: GroupLimits = GroupLimits { groups: 20, rows: MAX_GROUPED_ROWS };

impl ShowTrendsUseCase {
    /// The use case over its ports; predictions are counted by `dimensions`.
    pub fn new(
        trends: Arc<dyn TrendReadModel>,
        calendar: Arc<dyn Calendar>,
        dimensions: Dimensions,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { trends, calendar, dimensions, clock }
    }

    /// Counts the predictions of each bucket of the range; only the first and the last one may reach beyond it.
    ///
    /// # Errors
    /// `Invalid` for a key by which predictions are not counted, for `by` a key together with a value of one, for a
    /// range that is empty, has too many buckets or too many rows to group, and for an unknown zone; `Unavailable`,
    /// `Corrupt`.
    pub async fn execute(&self, request: ShowTrendsRequest) -> Result<ShowTrendsResponse, ApplicationError> {
        log_action("ShowTrendsUseCase.execute", async {
            let ShowTrendsRequest { tenant, bucket, tz, from, to, by, filter } = request;
            check(&by, &filter, &self.dimensions)?;
            let now = self.clock.now();
            let range = RollupRange::of(from, to, now)?;
            let width = bucket.unwrap_or_else(|| default_width(range.length()));
            let tz = tz.unwrap_or_else(|| "UTC".to_owned());
            let edges = self.calendar.edges(&tz, width, range.from, range.to)?;
            let edges: Vec<Bucket> = edges.into_iter().map(Bucket::containing).collect();
            let [first, .., end] = edges[..] else { return Ok(empty(width, tz)) };
            // Read before the sums, which count at least as much.
            let progress = self.trends.progress(&tenant, first, end).await?;
            let selection = select(filter);
            let buckets = match grouping(by) {
                None => self.series(&tenant, &selection, &edges).await?,
                Some(grouping) => {
                    self.group_series(&GroupedRollups { tenant, selection, grouping }, &edges).await?
                }
            };
            let (complete_until, recounting) =
                (complete_until(&progress, now), progress.recounting_from.is_some());
            Ok(ShowTrendsResponse { buckets, bucket: width, complete_until, recounting, tz })
        })
        .await
    }

    async fn series(
        &self,
        tenant: &TenantId,
        selection: &RollupSelection,
        edges: &[Bucket],
    ) -> Result<Vec<TrendBucket>, ApplicationError> {
        let mut sums = vec![SentimentSums::default(); edges.len() - 1];
        for cell in self.trends.series(tenant, selection, edges).await? {
            if let Some(sums) = sums.get_mut(cell.bucket) {
                sums[cell.sentiment] += cell.sum;
            }
        }
        let bucket = |((start, end), sums): ((Timestamp, Timestamp), SentimentSums)| TrendBucket {
            start,
            end,
            counts: sums.into(),
            groups: None,
        };
        Ok(ranges(edges).zip(sums).map(bucket).collect())
    }

    async fn group_series(
        &self,
        rollups: &GroupedRollups,
        edges: &[Bucket],
    ) -> Result<Vec<TrendBucket>, ApplicationError> {
        let (Some(first), Some(end)) = (edges.first(), edges.last()) else { return Ok(Vec::new()) };
        let totals = self.trends.groups(rollups, (*first, *end), LIMITS).await?;
        let mut keys: Vec<String> =
            totals.ok_or_else(too_much)?.groups.into_iter().map(|group| group.key).collect();
        let cells = self.trends.group_series(rollups, &keys, edges).await?;
        keys.push(Dimensions::OTHER.to_owned());
        let mut sums = vec![SentimentSums::default(); (edges.len() - 1) * keys.len()];
        for group in cells {
            let column = group.group.map_or(keys.len() - 1, |place| place.min(keys.len() - 1));
            if let Some(sums) = sums.get_mut(group.cell.bucket * keys.len() + column) {
                sums[group.cell.sentiment] += group.cell.sum;
            }
        }
        let bucket = |((start, end), row): ((Timestamp, Timestamp), &[SentimentSums])| {
            let mut all = SentimentSums::default();
            for sums in row {
                all += *sums;
            }
            let groups = keys.iter().zip(row).filter(|(_, sums)| sums.total().predictions != 0);
            let groups = groups.map(|(key, sums)| TrendGroup { key: key.clone(), counts: (*sums).into() });
            TrendBucket { start, end, counts: all.into(), groups: Some(groups.collect()) }
        };
        Ok(ranges(edges).zip(sums.chunks(keys.len())).map(bucket).collect())
    }
}

/// Checks that the keys are counted, and at most one of them at a time.
fn check(by: &TrendBy, filter: &TrendFilter, dimensions: &Dimensions) -> Result<(), DomainError> {
    by.check(dimensions)?;
    filter.check(dimensions)?;
    if matches!(by, TrendBy::Metadata(_)) && filter.value.is_some() {
        let why = "cannot name a metadata key where another parameter selects a value of one";
        return Err(DomainError::violation("by", Rule::Contradictory { why }));
    }
    Ok(())
}

/// Returns the width of the buckets of a range of this length.
fn default_width(length: Duration) -> BucketWidth {
    const DAY: Duration = Duration::from_hours(24);
    if length <= 2 * DAY {
        BucketWidth::Hour
    } else if length <= 90 * DAY {
        BucketWidth::Day
    } else {
        BucketWidth::Week
    }
}

/// The selection of rollups; a value is cut as those of predictions are.
fn select(filter: TrendFilter) -> RollupSelection {
    let TrendFilter { sentiment, model, value } = filter;
    let value = value.map(|mut value| {
        if let Some((end, _)) = value.value.char_indices().nth(Dimensions::MAX_VALUE_CHARS) {
            value.value.truncate(end);
        }
        value
    });
    RollupSelection { value, sentiment, model }
}

fn grouping(by: TrendBy) -> Option<RollupGrouping> {
    match by {
        TrendBy::Sentiment => None,
        TrendBy::Model => Some(RollupGrouping::Model),
        TrendBy::Metadata(key) => Some(RollupGrouping::Dimension(key)),
    }
}

/// Each edge with the next.
fn ranges(edges: &[Bucket]) -> impl Iterator<Item = (Timestamp, Timestamp)> {
    edges.windows(2).map(|pair| (pair[0].start(), pair[1].start()))
}

/// The response for a range without buckets, which no calendar gives.
fn empty(bucket: BucketWidth, tz: String) -> ShowTrendsResponse {
    ShowTrendsResponse { buckets: Vec::new(), bucket, complete_until: None, recounting: false, tz }
}
