use async_trait::async_trait;
use domain::value_objects::{
    Bucket, DimensionValue, Dimensions, PredictionFacts, Rollup, RollupKey, TenantId,
};

use crate::ports::{Lease, StoreError};

/// The name of the sink that counts events in rollups.
pub const ANALYTICS_SINK: &str = "analytics";

/// A value of a dimension that is counted apart on a day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AdmittedValue {
    /// The owner of the predictions.
    pub tenant: TenantId,
    /// The day (UTC): the days since 1970-01-01.
    pub day: i64,
    /// The dimension and its value.
    pub value: DimensionValue,
}

/// Buckets of a tenant whose rollups must be counted again from the predictions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutdatedRange {
    /// The owner of the predictions.
    pub tenant: TenantId,
    /// The first bucket.
    pub first: Bucket,
    /// The last bucket, at least the first.
    pub last: Bucket,
}

impl OutdatedRange {
    /// Returns the number of buckets.
    pub fn buckets(&self) -> u64 {
        let length = self.last.end().since(self.first.start());
        u64::try_from(length.as_micros() / Bucket::LENGTH.as_micros()).unwrap_or(u64::MAX)
    }

    /// Returns what of the range `counted` does not cover: a part before it and a part behind it, if they exist.
    pub fn without(&self, counted: &Self) -> [Option<Self>; 2] {
        let Self { tenant, first, last } = self;
        let range = |first: Bucket, last: Bucket| {
            (first <= last).then(|| Self { tenant: tenant.clone(), first, last })
        };
        [range(*first, counted.first.earlier(1).min(*last)), range(counted.last.later(1).max(*first), *last)]
    }
}

/// What a page of events changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProjectionStep {
    /// The cursor before the page.
    pub from: i64,
    /// The cursor after the page.
    pub to: i64,
    /// What to add to each rollup, each key once; a rollup that becomes zero is removed.
    pub changes: Vec<(RollupKey, Rollup)>,
    /// The values that the page counts apart for the first time on their day.
    pub admitted: Vec<AdmittedValue>,
    /// The buckets that the page could not count.
    pub outdated: Vec<OutdatedRange>,
}

/// What counting a range again gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Recount {
    /// The cursor, which events that happened later have not passed.
    pub at: i64,
    /// The range, which is a part of an outdated one.
    pub range: OutdatedRange,
    /// All its rollups, each key once.
    pub rollups: Vec<(RollupKey, Rollup)>,
    /// The values that it counts apart for the first time on their day.
    pub admitted: Vec<AdmittedValue>,
}

/// An event above the cursor, as a [`HistorySnapshot`] sees it.
#[derive(Debug, Clone, PartialEq)]
pub enum PendingEvent {
    /// A prediction was made; the history has it, if it was not deleted since.
    Predicted(PredictionFacts),
    /// A prediction was deleted; the history no longer has it.
    Deleted(PredictionFacts),
}

impl PendingEvent {
    /// Returns the facts about the prediction.
    pub fn facts(&self) -> &PredictionFacts {
        match self {
            Self::Predicted(facts) | Self::Deleted(facts) => facts,
        }
    }
}

/// The rollups of all tenants, and the cursor of the sink `analytics`, which changes with them.
///
/// Implementations must add the changes of a step and move the cursor together or not at all
/// (`a_step_changes_rollups_and_cursor_together`), only from the position where the cursor is and for the lease that
/// opened the sink last (`a_step_of_a_lost_lease_changes_nothing`, `a_step_is_applied_once`); must remove rollups that
/// become zero (`a_rollup_that_becomes_zero_is_removed`); must add nothing for a tenant that is erased
/// (`nothing_is_counted_for_an_erased_tenant`); must return the values that steps and recounts admitted
/// (`admitted_values_are_returned_by_tenant_and_day`); must replace the rollups of a recounted range, of its tenant
/// alone, and shorten or split the outdated range by it (`a_recount_replaces_the_rollups_of_its_range`,
/// `a_recount_leaves_the_rest_outdated`); must find the last prediction of a range
/// (`the_last_prediction_of_a_range_is_found`); must show the rows and the pending events of one instant
/// (`a_snapshot_shows_one_instant`, `a_snapshot_shows_the_predictions_of_its_range`); and must mark the history of
/// every tenant outdated and move the cursor to the end of the feed together (`a_restart_marks_every_history_outdated`,
/// `a_history_is_marked_from_its_first_bucket_to_its_last`).
#[async_trait]
pub trait RollupRepository: Send + Sync {
    /// The values that are counted apart on these days, of every dimension.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn admitted(&self, days: &[(TenantId, i64)]) -> Result<Vec<AdmittedValue>, StoreError>;

    /// Applies the step and moves the cursor. Nothing is added for a tenant that is erased or being erased.
    ///
    /// # Errors
    /// `Conflict` where the cursor is not at `step.from`, or another lease has opened the sink since; `Unavailable`.
    async fn apply(&self, lease: &Lease, step: &ProjectionStep) -> Result<(), StoreError>;

    /// Replaces the rollups of the range.
    ///
    /// # Errors
    /// `Conflict` where the cursor is not at `recount.at`, or another lease has opened the sink since; `Unavailable`.
    async fn replace(&self, lease: &Lease, recount: &Recount) -> Result<(), StoreError>;

    /// The outdated ranges, at most `limit`, those with the latest last bucket first.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn outdated(&self, limit: u32) -> Result<Vec<OutdatedRange>, StoreError>;

    /// Marks the whole history of `tenant`, or of all tenants without one, outdated: from its first prediction to its
    /// last, and every bucket with rollups. Returns the number of ranges.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn mark_outdated(&self, tenant: Option<&TenantId>) -> Result<u64, StoreError>;

    /// Marks the history of all tenants outdated and moves the cursor from `from` to the end of the feed, of which it
    /// returns the position.
    ///
    /// # Errors
    /// `Conflict` where the cursor is not at `from`, or another lease has opened the sink since; `Unavailable`.
    async fn restart(&self, lease: &Lease, from: i64) -> Result<i64, StoreError>;

    /// The bucket of the last prediction in `range`; none where it has no predictions. An index serves it, whatever the
    /// length of the range.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn last_prediction(&self, range: &OutdatedRange) -> Result<Option<Bucket>, StoreError>;

    /// A view of the predictions in `range` and of the events about them above the position `after`, as of one instant.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn history(
        &self,
        range: &OutdatedRange,
        after: i64,
        dimensions: &Dimensions,
    ) -> Result<Box<dyn HistorySnapshot>, StoreError>;
}

/// The predictions of a range and the pending events about them, as of one instant. Each method takes at most the
/// store's timeout; dropping the snapshot ends it.
#[async_trait]
pub trait HistorySnapshot: Send {
    /// The facts of the next predictions in the order of their ids, at most `limit` rows; none at the end. Rows that
    /// cannot be read are left out, logged and counted.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn next_predictions(&mut self, limit: u32) -> Result<Option<Vec<PredictionFacts>>, StoreError>;

    /// The next events above the cursor that are about predictions of the range, at most `limit` rows of the outbox;
    /// none at the end. Events without facts are left out: the bucket of one becomes outdated when the cursor passes
    /// it.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn next_pending(&mut self, limit: u32) -> Result<Option<Vec<PendingEvent>>, StoreError>;
}
