use std::ops::{AddAssign, Index, IndexMut};

use async_trait::async_trait;
use domain::value_objects::{Bucket, DimensionValue, Sentiment, TenantId, Timestamp};

use crate::ports::StoreError;

/// Selects rollups; every condition must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RollupSelection {
    /// Those of the predictions with this value; without one those of all predictions.
    pub value: Option<DimensionValue>,
    /// Those of this sentiment.
    pub sentiment: Option<Sentiment>,
    /// Those of the model of this name, whatever its revision.
    pub model: Option<String>,
}

/// By what rollups are grouped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RollupGrouping {
    /// By the name of the model, whatever its revision.
    Model,
    /// By the value of this dimension. The selection has no value then.
    Dimension(String),
}

/// Rollups in groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupedRollups {
    /// The owner of the predictions.
    pub tenant: TenantId,
    /// Which rollups.
    pub selection: RollupSelection,
    /// The groups.
    pub grouping: RollupGrouping,
}

/// Bounds of what is read and returned of groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupLimits {
    /// The most groups that are named.
    pub groups: u32,
    /// The most rollups that are read.
    pub rows: u32,
}

/// Sums of rollups.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RollupSum {
    /// The predictions.
    pub predictions: i64,
    /// Those whose text was cut at the model's window.
    pub truncated: i64,
    /// Those with a confidence.
    pub confident: i64,
    /// The sum of the confidences, in billionths.
    pub confidence_sum: i64,
}

impl AddAssign for RollupSum {
    fn add_assign(&mut self, other: Self) {
        self.predictions += other.predictions;
        self.truncated += other.truncated;
        self.confident += other.confident;
        self.confidence_sum += other.confidence_sum;
    }
}

/// Sums by sentiment, and of the predictions without one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SentimentSums([RollupSum; Sentiment::ALL.len() + 1]);

impl SentimentSums {
    /// Returns the sum of all.
    pub fn total(&self) -> RollupSum {
        let mut total = RollupSum::default();
        for sum in self.0 {
            total += sum;
        }
        total
    }

    /// Returns these sums without `part`, which they contain.
    pub fn less(mut self, part: Self) -> Self {
        for (sum, part) in self.0.iter_mut().zip(part.0) {
            sum.predictions -= part.predictions;
            sum.truncated -= part.truncated;
            sum.confident -= part.confident;
            sum.confidence_sum -= part.confidence_sum;
        }
        self
    }
}

fn place(sentiment: Option<Sentiment>) -> usize {
    let listed = |sentiment| Sentiment::ALL.iter().position(|listed| *listed == sentiment);
    sentiment.and_then(listed).unwrap_or(Sentiment::ALL.len())
}

impl Index<Option<Sentiment>> for SentimentSums {
    type Output = RollupSum;

    fn index(&self, sentiment: Option<Sentiment>) -> &RollupSum {
        &self.0[place(sentiment)]
    }
}

impl IndexMut<Option<Sentiment>> for SentimentSums {
    fn index_mut(&mut self, sentiment: Option<Sentiment>) -> &mut RollupSum {
        &mut self.0[place(sentiment)]
    }
}

impl AddAssign for SentimentSums {
    fn add_assign(&mut self, other: Self) {
        for (sum, other) in self.0.iter_mut().zip(other.0) {
            *sum += other;
        }
    }
}

/// The rollups of a sentiment between two edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeriesCell {
    /// The place of the first edge among the edges.
    pub bucket: usize,
    /// The sentiment; none where the model has no mapping to sentiments.
    pub sentiment: Option<Sentiment>,
    /// Their sum.
    pub sum: RollupSum,
}

/// The rollups of a group and a sentiment between two edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupCell {
    /// The place of the group among the named ones; none for all others together.
    pub group: Option<usize>,
    /// What is summed. Several cells may have the same place.
    pub cell: SeriesCell,
}

/// A group with its sums over the whole range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollupGroup {
    /// The model's name, or the value.
    pub key: String,
    /// Its sums.
    pub sums: SentimentSums,
}

/// The largest groups, and the sums of all others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupTotals {
    /// The groups with the most predictions, the largest first; those of the same size by their keys.
    pub groups: Vec<RollupGroup>,
    /// The others together.
    pub rest: SentimentSums,
}

/// Which events the rollups count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// None for certain: counting has not begun, or must begin again.
    Nothing,
    /// Those before this instant.
    Until(Timestamp),
    /// All.
    Everything,
}

/// How far the rollups count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrendProgress {
    /// Which events they count.
    pub counted: Counted,
    /// The first bucket of the range that must be counted again, if any.
    pub recounting_from: Option<Bucket>,
}

/// Sums rollups.
///
/// Implementations must sum the rollups of the tenant only (`rollups_of_a_tenant_are_summed_alone`), in whole numbers,
/// of the selected value, sentiment and model only (`rollups_are_selected_by_value_sentiment_and_model`), and must read
/// a range of an index for each value and sentiment, so that the cost is that of the selected range, whatever the
/// length of the history and the number of values.
#[async_trait]
pub trait TrendReadModel: Send + Sync {
    /// How far the rollups of the tenant count, from the bucket `first` on, before `end`.
    ///
    /// Implementations must report everything as counted only where the sink `analytics` has passed every event
    /// (`progress_is_that_of_the_oldest_event_that_waits`), nothing before its first run and where events that it had
    /// not passed were purged (`nothing_is_counted_before_the_first_run`), and the first bucket within the range of the
    /// outdated ranges that overlap it (`an_outdated_range_is_reported_where_it_overlaps`).
    ///
    /// # Errors
    /// `Unavailable`.
    async fn progress(
        &self,
        tenant: &TenantId,
        first: Bucket,
        end: Bucket,
    ) -> Result<TrendProgress, StoreError>;

    /// The sums between each edge and the next, of those that have rollups, in any order. The edges increase.
    ///
    /// Implementations must count each rollup between the edges around it, an edge with what follows it
    /// (`rollups_are_summed_between_edges`).
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    async fn series(
        &self,
        tenant: &TenantId,
        selection: &RollupSelection,
        edges: &[Bucket],
    ) -> Result<Vec<SeriesCell>, StoreError>;

    /// The largest groups from the first bucket of `range` on, before the second one, and the rest; none where more
    /// rollups would be read than `limits` allow. Those of models that are not selected are read as well.
    ///
    /// Implementations must name the largest groups, never `(other)` of a dimension
    /// (`the_largest_groups_are_named`), and must read at most one row more than allowed
    /// (`groups_of_too_many_rollups_are_refused`).
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    async fn groups(
        &self,
        rollups: &GroupedRollups,
        range: (Bucket, Bucket),
        limits: GroupLimits,
    ) -> Result<Option<GroupTotals>, StoreError>;

    /// The sums of each group of `named`, and of all others together, between each edge and the next. Callers have
    /// bounded the rows by [`groups`](Self::groups).
    ///
    /// Implementations must count each rollup for its group, or for the others where it is not named
    /// (`rollups_are_summed_by_groups`).
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    async fn group_series(
        &self,
        rollups: &GroupedRollups,
        named: &[String],
        edges: &[Bucket],
    ) -> Result<Vec<GroupCell>, StoreError>;
}
