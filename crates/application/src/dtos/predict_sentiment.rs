use std::collections::BTreeMap;
use std::sync::Arc;

use domain::entities::Prediction;
use domain::value_objects::{
    Confidence, Dimensions, LabelScore, Metadata, MetadataValue, ModelRef, PredictionFacts, PredictionId,
    PredictionResult, RawOptions, Reference, SentenceResult, Sentiment, SentimentScores, TenantId, Timestamp,
    TraceParent, Usage,
};

use crate::dtos::{IdempotentRequest, TimeLimit};
use crate::errors::ApplicationError;
use crate::ports::Principal;

/// One text, as the client sent it.
#[derive(Debug, Clone, Default)]
pub struct PredictItem {
    /// The text.
    pub text: String,
    /// The client's own id for it.
    pub reference: Option<String>,
    /// The client's own facts about it.
    pub metadata: BTreeMap<String, MetadataValue>,
}

/// Classify one text and store the prediction.
#[derive(Debug, Clone, Default)]
pub struct PredictSentimentRequest {
    /// The tenant.
    pub tenant: TenantId,
    /// The text.
    pub item: PredictItem,
    /// The name of the model; the default model without one.
    pub model: Option<String>,
    /// The options of the prediction.
    pub options: RawOptions,
    /// What the request is limited by; unlimited without it.
    pub principal: Option<Arc<Principal>>,
    /// How long the request may take.
    pub time_limit: TimeLimit,
    /// The key of a request that may be sent again; not for the lines of a stream.
    pub idempotency: Option<IdempotentRequest>,
    /// The trace that the request belongs to.
    pub traceparent: Option<TraceParent>,
}

/// Classify many texts and store the predictions.
#[derive(Debug, Clone, Default)]
pub struct PredictSentimentBatchRequest {
    /// The tenant.
    pub tenant: TenantId,
    /// The texts.
    pub items: Vec<PredictItem>,
    /// The name of the model for all texts; the default model without one.
    pub model: Option<String>,
    /// The options of each prediction.
    pub options: RawOptions,
    /// What the request is limited by; unlimited without it.
    pub principal: Option<Arc<Principal>>,
    /// How long the request may take.
    pub time_limit: TimeLimit,
    /// The key of a request that may be sent again.
    pub idempotency: Option<IdempotentRequest>,
    /// The trace that the request belongs to.
    pub traceparent: Option<TraceParent>,
}

/// The predictions of a batch.
#[derive(Debug)]
pub struct PredictSentimentBatchResponse {
    /// One prediction or error an item, in the order of the items.
    pub items: Vec<Result<PredictSentimentResponse, ApplicationError>>,
    /// Whether this repeats the first answer to the request.
    pub replayed: bool,
}

/// A prediction, as it is returned.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictSentimentResponse {
    /// The id under which it is stored.
    pub id: PredictionId,
    /// The client's own id for the text.
    pub reference: Option<Reference>,
    /// The sentiment; none where the model has no mapping to sentiments.
    pub sentiment: Option<Sentiment>,
    /// The probability of the sentiment, or of the best label where none is mapped to one; none for raw numbers.
    pub confidence: Option<Confidence>,
    /// The probabilities of the three sentiments.
    pub scores: SentimentScores,
    /// The model's labels, best first, at most `top_k`.
    pub labels: Vec<LabelScore>,
    /// The sentences in reading order, if the options asked for them.
    pub sentences: Option<Vec<SentenceResult>>,
    /// The model.
    pub model: ModelRef,
    /// Tokens and windows.
    pub usage: Usage,
    /// Whether the model's output came from a cache.
    pub cached: bool,
    /// The client's own facts about the text.
    pub metadata: Metadata,
    /// When the prediction was made.
    pub created_at: Timestamp,
}

impl PredictSentimentResponse {
    /// What consumers count about the prediction, with the values that it has for `dimensions`.
    pub fn facts(&self, dimensions: &Dimensions) -> PredictionFacts {
        PredictionFacts {
            created_at: self.created_at,
            model: self.model.clone(),
            sentiment: self.sentiment,
            confidence: self.confidence,
            usage: self.usage,
            cached: self.cached,
            dimensions: dimensions.of(&self.metadata),
        }
    }
}

impl From<&Prediction> for PredictSentimentResponse {
    fn from(prediction: &Prediction) -> Self {
        let result: &PredictionResult = prediction.result();
        Self {
            id: prediction.id(),
            reference: prediction.reference().cloned(),
            sentiment: result.sentiment(),
            confidence: result.confidence(),
            scores: result.scores(),
            labels: result.answered_labels().to_vec(),
            sentences: result.sentences().map(<[SentenceResult]>::to_vec),
            model: prediction.model().clone(),
            usage: prediction.usage(),
            cached: prediction.cached(),
            metadata: prediction.metadata().clone(),
            created_at: prediction.created_at(),
        }
    }
}
