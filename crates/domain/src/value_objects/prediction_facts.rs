use crate::value_objects::{Confidence, DimensionValues, ModelRef, Sentiment, Timestamp, Usage};

/// What consumers of events count about a prediction. The events of its creation and of its deletion carry the same
/// facts, so that a consumer can subtract what it added.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictionFacts {
    /// When the prediction was made.
    pub created_at: Timestamp,
    /// The model that classified the text.
    pub model: ModelRef,
    /// The sentiment; none where the model has no mapping to sentiments.
    pub sentiment: Option<Sentiment>,
    /// The probability of the sentiment, or of the best label where none is mapped to one.
    pub confidence: Option<Confidence>,
    /// The tokens and windows that were computed.
    pub usage: Usage,
    /// Whether the model's output came from a cache.
    pub cached: bool,
    /// The values of the configured dimensions; empty where none is configured.
    pub dimensions: DimensionValues,
}
