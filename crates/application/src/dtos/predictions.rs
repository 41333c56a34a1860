use std::collections::BTreeMap;

use domain::entities::Prediction;
use domain::value_objects::{
    AskedOptions, Confidence, LabelScore, Metadata, MetadataValue, ModelRef, PredictionId, PredictionResult,
    Reference, SentenceResult, Sentiment, SentimentScores, TenantId, Timestamp, Usage,
};

use crate::errors::ApplicationError;
use crate::ports::PredictionFilter;

/// One text to judge, as the caller sent it.
#[derive(Debug, Clone, Default)]
pub struct PredictItem {
    /// The text.
    pub text: String,
    /// The caller's own id for it.
    pub reference: Option<String>,
    /// The caller's own facts about it.
    pub metadata: BTreeMap<String, MetadataValue>,
}

/// Judge one text and keep the answer.
#[derive(Debug, Clone)]
pub struct PredictSentimentRequest {
    /// Whose answer it is.
    pub tenant: TenantId,
    /// The text.
    pub item: PredictItem,
    /// The name of the model that is to answer; the default where there is none.
    pub model: Option<String>,
    /// What is asked of the answer.
    pub options: AskedOptions,
}

/// Judge many texts and keep the answers.
#[derive(Debug, Clone)]
pub struct PredictSentimentBatchRequest {
    /// Whose answers they are.
    pub tenant: TenantId,
    /// The texts.
    pub items: Vec<PredictItem>,
    /// The name of the model that is to answer them all; the default where there is none.
    pub model: Option<String>,
    /// What is asked of each answer.
    pub options: AskedOptions,
}

/// The answers to a batch.
#[derive(Debug)]
pub struct PredictSentimentBatchResponse {
    /// One answer or error an item, in the order of the items.
    pub items: Vec<Result<PredictSentimentResponse, ApplicationError>>,
}

/// One line of a stream.
#[derive(Debug, Clone, Default)]
pub struct PredictLine {
    /// The text.
    pub item: PredictItem,
    /// The name of the model that is to answer; the default where there is none.
    pub model: Option<String>,
    /// What is asked of the answer.
    pub options: AskedOptions,
}

impl From<PredictItem> for PredictLine {
    /// A line of which nothing is asked.
    fn from(item: PredictItem) -> Self {
        Self { item, ..Self::default() }
    }
}

/// Judge texts as they come.
#[derive(Debug, Clone)]
pub struct StreamPredictionsRequest {
    /// Whose answers they are.
    pub tenant: TenantId,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictSentimentResponse {
    /// The id under which it is kept.
    pub id: PredictionId,
    /// The caller's own id for the text.
    pub reference: Option<Reference>,
    /// The sentiment; none where the model has no mapping to sentiments.
    pub sentiment: Option<Sentiment>,
    /// The chosen label's probability; none for raw numbers.
    pub confidence: Option<Confidence>,
    /// The probabilities of the three sentiments.
    pub scores: SentimentScores,
    /// The model's own outputs, best first, as many as were asked for.
    pub labels: Vec<LabelScore>,
    /// The sentences in reading order, where they were asked for.
    pub sentences: Option<Vec<SentenceResult>>,
    /// The model that answered.
    pub model: ModelRef,
    /// What the answer took.
    pub usage: Usage,
    /// Whether the model's output came from a cache.
    pub cached: bool,
    /// The caller's own facts about the text.
    pub metadata: Metadata,
    /// When the answer was made.
    pub created_at: Timestamp,
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

/// A kept answer, with its text.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictionRecord {
    /// The answer.
    pub prediction: PredictSentimentResponse,
    /// The text; none where it was not kept.
    pub text: Option<String>,
}

impl From<&Prediction> for PredictionRecord {
    fn from(prediction: &Prediction) -> Self {
        Self { prediction: prediction.into(), text: Some(prediction.text().as_str().to_owned()) }
    }
}

/// Look one answer up.
#[derive(Debug, Clone)]
pub struct GetPredictionRequest {
    /// Whose answer it is.
    pub tenant: TenantId,
    /// Its id.
    pub id: PredictionId,
}

/// Delete one answer.
#[derive(Debug, Clone)]
pub struct DeletePredictionRequest {
    /// Whose answer it is.
    pub tenant: TenantId,
    /// Its id.
    pub id: PredictionId,
}

/// Page through answers, newest first.
#[derive(Debug, Clone)]
pub struct ListPredictionsRequest {
    /// Whose answers they are.
    pub tenant: TenantId,
    /// Which are meant.
    pub filter: PredictionFilter,
    /// The page's length, 1 to 100; 20 where none is given.
    pub limit: Option<u32>,
    /// Where the page before ended.
    pub cursor: Option<String>,
}

/// One page of answers.
#[derive(Debug, Clone, PartialEq)]
pub struct ListPredictionsResponse {
    /// The answers, ids descending.
    pub items: Vec<PredictionRecord>,
    /// Where the next page begins; none on the last.
    pub next_cursor: Option<String>,
}

/// Make one pass over the outbox.
#[derive(Debug, Clone)]
pub struct RelayOutboxRequest {
    /// This process's name among those who share the store.
    pub holder: String,
}

/// What the pass did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayOutboxResponse {
    /// Whether this process holds the lease.
    pub leads: bool,
    /// The events that went out.
    pub published: usize,
    /// Whether more is waiting.
    pub more: bool,
}
