use async_trait::async_trait;
use domain::value_objects::{PredictionId, Sentiment, TenantId, Timestamp};

use crate::ports::StoreError;

/// Selects predictions whose texts are compared; every condition must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct TextSelection {
    /// Of this sentiment.
    pub sentiment: Sentiment,
    /// Created in the millisecond of this instant or later.
    pub from: Timestamp,
    /// Created before the millisecond of this instant.
    pub to: Timestamp,
    /// By the model of this name, whatever its revision.
    pub model: Option<String>,
}

impl TextSelection {
    /// The ids of the range of time: from the first bound on, below the second. An id holds the whole milliseconds of
    /// the prediction's time, so that an index on ids alone decides which rows are in the range.
    pub fn id_range(&self) -> (PredictionId, PredictionId) {
        (PredictionId::lowest_at(self.from), PredictionId::lowest_at(self.to))
    }
}

/// A step of the walk over the ids of a selection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdWalk {
    /// Where the previous step ended; none for the first.
    pub after: Option<PredictionId>,
    /// Only ids whose [`random_bits`](PredictionId::random_bits) are at most this are returned; the others are counted.
    pub at_most: u32,
    /// The most rows that the step examines, at least 1.
    pub limit: u32,
}

/// What a step of the walk has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdPage {
    /// The ids, in any order.
    pub ids: Vec<PredictionId>,
    /// How many of the examined rows match the selection, with their ids returned or not.
    pub matching: u64,
    /// The last examined row, where rows may follow it.
    pub end: Option<PredictionId>,
}

/// Reads what the analytics count.
///
/// Implementations must return the rows of the tenant only, must follow an index in the order of ids, so that a step
/// costs what it examines, however many rows the tenant has, and must see every write set that was committed before the
/// call.
#[async_trait]
pub trait AnalyticsReadModel: Send + Sync {
    /// The next step of the walk over the ids of `selection`, in ascending order. The steps together must examine every
    /// matching row once (`a_walk_over_ids_counts_each_matching_row_once`), must bound a step by the rows that it
    /// examines, whether they match or not (`a_step_examines_at_most_its_limit`), and must select ids by their last
    /// bits (`ids_are_sampled_by_their_last_bits`).
    ///
    /// # Errors
    /// `Unavailable`; `Corrupt` where an id cannot be read.
    async fn walk_ids(
        &self,
        tenant: &TenantId,
        selection: &TextSelection,
        walk: IdWalk,
    ) -> Result<IdPage, StoreError>;

    /// The texts of those predictions of `ids` that the tenant has, in any order; none where a text was not stored
    /// (`texts_come_back_by_their_ids`).
    ///
    /// # Errors
    /// `Unavailable`; `Corrupt` where an id or a text cannot be read.
    async fn texts(
        &self,
        tenant: &TenantId,
        ids: &[PredictionId],
    ) -> Result<Vec<(PredictionId, Option<String>)>, StoreError>;
}
