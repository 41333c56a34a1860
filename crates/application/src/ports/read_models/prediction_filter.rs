use std::collections::BTreeSet;

use domain::value_objects::{Confidence, PredictionId, Reference, Sentiment, Timestamp};

/// Selects predictions; every given condition must hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PredictionFilter {
    /// Of this sentiment.
    pub sentiment: Option<Sentiment>,
    /// By the model of this name, whatever its revision.
    pub model: Option<String>,
    /// With exactly this reference.
    pub reference: Option<Reference>,
    /// Created at this instant or later.
    pub from: Option<Timestamp>,
    /// Created before this instant.
    pub to: Option<Timestamp>,
    /// With at least this confidence; a prediction without confidence has none to compare.
    pub min_confidence: Option<Confidence>,
    /// With at most this confidence, in the same sense.
    pub max_confidence: Option<Confidence>,
    /// With a text that contains every one of these terms (`domain::policies::search_terms`).
    pub terms: BTreeSet<String>,
}

impl PredictionFilter {
    /// The ids that the times and the cursor leave in: from the first bound on, below the second. An id holds the whole
    /// milliseconds of the prediction's time, so the times themselves must be compared as well.
    pub fn id_range(&self, after: Option<PredictionId>) -> (Option<PredictionId>, Option<PredictionId>) {
        let end = self.to.and_then(PredictionId::lowest_after);
        (self.from.map(PredictionId::lowest_at), [after, end].into_iter().flatten().min())
    }
}
