use std::collections::BTreeSet;

use async_trait::async_trait;
use domain::value_objects::{Confidence, PredictionId, Reference, Sentiment, TenantId, Timestamp};

use crate::dtos::PredictionRecord;
use crate::ports::StoreError;

/// Which predictions are meant; every condition given must hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PredictionFilter {
    /// Of this sentiment.
    pub sentiment: Option<Sentiment>,
    /// By the model of this name, whatever its revision.
    pub model: Option<String>,
    /// With exactly this reference.
    pub reference: Option<Reference>,
    /// Made at this instant or later.
    pub from: Option<Timestamp>,
    /// Made before this instant.
    pub to: Option<Timestamp>,
    /// With at least this confidence; a prediction without confidence has none to compare.
    pub min_confidence: Option<Confidence>,
    /// With at most this confidence; likewise.
    pub max_confidence: Option<Confidence>,
    /// Whose text holds every one of these terms (`domain::policies::search_terms`).
    pub terms: BTreeSet<String>,
}

/// Reads predictions.
///
/// Implementations must give back what was kept, to the bit (`a_prediction_comes_back_as_it_was_kept` and the
/// other round trips), must never show one tenant's rows to another (`tenants_do_not_see_each_other`), and must
/// see every write set that was committed before the call.
#[async_trait]
pub trait PredictionReadModel: Send + Sync {
    /// The prediction `id`, if the tenant has it.
    ///
    /// # Errors
    /// `Unavailable`, or `Corrupt` for a row that cannot be read.
    async fn find(&self, tenant: &TenantId, id: PredictionId)
    -> Result<Option<PredictionRecord>, StoreError>;

    /// The predictions that `filter` means, ids descending, at most `limit`, those below `after` only.
    ///
    /// # Errors
    /// `Unavailable`, or `Corrupt` for a row that cannot be read.
    async fn list(
        &self,
        tenant: &TenantId,
        filter: &PredictionFilter,
        after: Option<PredictionId>,
        limit: u32,
    ) -> Result<Vec<PredictionRecord>, StoreError>;
}
