use std::sync::Arc;

use domain::errors::{DomainError, Rule};
use domain::value_objects::{Bucket, Dimensions, Sentiment, TenantId};

use crate::action::log_action;
use crate::dtos::{BreakDownRequest, BreakDownResponse, BreakdownRow, TrendBy, TrendCounts};
use crate::errors::ApplicationError;
use crate::ports::{
    Clock, GroupLimits, GroupTotals, GroupedRollups, RollupGroup, RollupGrouping, RollupSelection,
    SentimentSums, TrendReadModel,
};
use crate::use_cases::rollup_range::{MAX_GROUPED_ROWS, RollupRange, complete_until, too_much};

/// The groups that are named where the request does not say.
pub const DEFAULT_BREAKDOWN_LIMIT: u32 = 20;
/// The most groups that are named.
pub const MAX_BREAKDOWN_LIMIT: u32 = 100;

/// The key of the predictions without a sentiment.
const UNMAPPED: &str = "unmapped";

/// Compares groups of predictions with the rest.
pub struct BreakDownUseCase {
    trends: Arc<dyn TrendReadModel>,
    dimensions: Dimensions,
    clock: Arc<dyn Clock>,
}

impl BreakDownUseCase {
    /// The use case over its ports; predictions are counted by `dimensions`.
    pub fn new(trends: Arc<dyn TrendReadModel>, dimensions: Dimensions, clock: Arc<dyn Clock>) -> Self {
        Self { trends, dimensions, clock }
    }

    /// Counts the predictions of each group within the range, which is rounded outwards to quarters of an hour.
    ///
    /// # Errors
    /// `Invalid` for `limit`, for a key by which predictions are not counted, and for a range that is empty or has too
    /// many rows; `Unavailable`, `Corrupt`.
    pub async fn execute(&self, request: BreakDownRequest) -> Result<BreakDownResponse, ApplicationError> {
        log_action("BreakDownUseCase.execute", async {
            let BreakDownRequest { tenant, by, from, to, limit } = request;
            by.check(&self.dimensions)?;
            let limit = checked(limit)?;
            let now = self.clock.now();
            let (first, end) = RollupRange::of(from, to, now)?.buckets();
            // Read before the sums, which count at least as much.
            let progress = self.trends.progress(&tenant, first, end).await?;
            let grouping = match by {
                TrendBy::Sentiment => None,
                TrendBy::Model => Some(RollupGrouping::Model),
                TrendBy::Metadata(key) => Some(RollupGrouping::Dimension(key)),
            };
            let totals = match grouping {
                None => self.sentiments(&tenant, first, end, limit).await?,
                Some(grouping) => {
                    let selection = RollupSelection::default();
                    let limits = GroupLimits { groups: limit, rows: MAX_GROUPED_ROWS };
                    let rollups = GroupedRollups { tenant, selection, grouping };
                    let totals = self.trends.groups(&rollups, (first, end), limits).await?;
                    totals.ok_or_else(too_much)?
                }
            };
            Ok(BreakDownResponse {
                rows: compare(totals),
                from: first.start(),
                to: end.start(),
                complete_until: complete_until(&progress, now),
                recounting: progress.recounting_from.is_some(),
            })
        })
        .await
    }

    /// The groups of the sentiments, and of the predictions without one.
    async fn sentiments(
        &self,
        tenant: &TenantId,
        first: Bucket,
        end: Bucket,
        limit: u32,
    ) -> Result<GroupTotals, ApplicationError> {
        let mut sums = SentimentSums::default();
        for cell in self.trends.series(tenant, &RollupSelection::default(), &[first, end]).await? {
            sums[cell.sentiment] += cell.sum;
        }
        let group = |sentiment: Option<Sentiment>| {
            let mut own = SentimentSums::default();
            own[sentiment] = sums[sentiment];
            RollupGroup { key: sentiment.map_or(UNMAPPED, Sentiment::as_str).to_owned(), sums: own }
        };
        let all = Sentiment::ALL.into_iter().map(Some).chain([None]);
        let mut groups: Vec<RollupGroup> =
            all.filter(|sentiment| sums[*sentiment].predictions != 0).map(group).collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.sums.total().predictions));
        let mut rest = SentimentSums::default();
        for group in groups.drain(groups.len().min(limit as usize)..) {
            rest += group.sums;
        }
        Ok(GroupTotals { groups, rest })
    }
}

fn checked(limit: Option<u32>) -> Result<u32, DomainError> {
    let limit = limit.unwrap_or(DEFAULT_BREAKDOWN_LIMIT);
    if (1..=MAX_BREAKDOWN_LIMIT).contains(&limit) {
        return Ok(limit);
    }
    let allowed = format!("between 1 and {MAX_BREAKDOWN_LIMIT}").into();
    Err(DomainError::violation("limit", Rule::OutOfRange { allowed }))
}

/// The groups with all that is not in them; the others together last, where there are any.
fn compare(totals: GroupTotals) -> Vec<BreakdownRow> {
    let GroupTotals { mut groups, rest } = totals;
    if rest.total().predictions != 0 {
        groups.push(RollupGroup { key: Dimensions::OTHER.to_owned(), sums: rest });
    }
    let mut all = SentimentSums::default();
    for group in &groups {
        all += group.sums;
    }
    let row = |RollupGroup { key, sums }: RollupGroup| BreakdownRow {
        key,
        counts: sums.into(),
        rest: TrendCounts::from(all.less(sums)),
    };
    groups.into_iter().map(row).collect()
}
