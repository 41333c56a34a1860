use application::dtos::{ListPredictionsResponse, PredictSentimentResponse, PredictionRecord};
use domain::value_objects::{
    Confidence, LabelScore, ModelRef, Reference, SentenceResult, Sentiment, SentimentScores, Usage,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::schemas;
use crate::presenters::{MetadataView, present_metadata, present_timestamp};

/// A prediction, which is stored under its id.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Prediction)]
pub(crate) struct PredictionView {
    /// The id of the prediction: a UUID of version 7.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = true, format = "uuid", example = "01997a3e-7c10-7d52-a1f0-5f0f6f3f9f11")]
    id: String,
    /// Your own id for the text.
    #[serde(rename = "ref")]
    #[schema(required = true, example = "review-17")]
    reference: Option<String>,
    /// The sentiment; null if the model has no mapping to sentiments.
    #[schema(schema_with = schemas::nullable_sentiment, required = true)]
    sentiment: Option<&'static str>,
    /// The sentiment's probability, the sum of those of its labels, or the best label's if the model has no mapping to
    /// sentiments; null for raw numbers and if the sentiment is `mixed`.
    #[schema(required = true, minimum = 0, maximum = 1, example = 0.9981)]
    confidence: Option<f32>,
    scores: ScoresView,
    /// The model's outputs, best first, at most `top_k`.
    labels: Vec<LabelView>,
    /// The sentences in reading order; only with the granularity `sentence`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    sentences: Option<Vec<SentenceView>>,
    model: ModelRefView,
    usage: UsageView,
    /// Whether the model's output came from a cache.
    cached: bool,
    /// Your own data about the text.
    #[schema(schema_with = schemas::metadata)]
    metadata: MetadataView,
    /// When the prediction was made.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.123456Z")]
    created_at: String,
}

/// A stored prediction with its text.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PredictionRecord)]
pub(crate) struct PredictionRecordView {
    #[serde(flatten)]
    prediction: PredictionView,
    /// The text as it was sent; null if it was not stored.
    #[schema(required = true, example = "I love it")]
    text: Option<String>,
}

/// One page of predictions, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PredictionPage)]
pub(crate) struct PredictionPage {
    /// The predictions, in descending order of their ids.
    #[schema(max_items = 100)]
    items: Vec<PredictionRecordView>,
    /// The `cursor` of the next page, to be sent with the same filters; null on the last page.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// The probabilities of those of the three sentiments that the model's labels map to: the sum of those of the labels of
/// a sentiment, at most 1.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Scores)]
struct ScoresView {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 1, example = 0.0019)]
    negative: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 1)]
    neutral: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 1, example = 0.9981)]
    positive: Option<f32>,
}

/// One of the model's outputs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LabelScore)]
struct LabelView {
    /// The model's name for it.
    #[schema(example = "POSITIVE")]
    label: String,
    /// A probability, or a raw number for a regression or the function `none`.
    #[schema(example = 0.9981)]
    score: f32,
    /// The model's raw output, the mean over the windows; only with `raw`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 4.2)]
    logit: Option<f32>,
}

/// One sentence of the text: the characters from `start` up to `end`, counted in Unicode scalar values (code points),
/// neither in bytes nor in UTF-16 units.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sentence)]
struct SentenceView {
    /// Its first character, counted from 0.
    #[schema(example = 0)]
    start: u32,
    /// The character after its last.
    #[schema(example = 10)]
    end: u32,
    /// Its sentiment; null if the model has no mapping to sentiments.
    #[schema(schema_with = schemas::nullable_sentiment, required = true)]
    sentiment: Option<&'static str>,
    /// The sentiment's probability, or the best label's.
    #[schema(required = true, minimum = 0, maximum = 1, example = 0.9981)]
    confidence: Option<f32>,
    scores: ScoresView,
}

/// The model that classified the text.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ModelRef)]
struct ModelRefView {
    /// Its name.
    #[schema(example = "sentiment-minilm-l6")]
    name: String,
    /// The version of its weights.
    #[schema(example = "1")]
    revision: String,
}

/// The work that the prediction took.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Usage)]
struct UsageView {
    /// The tokens of the text that were classified, each counted once, not counting special tokens.
    #[schema(example = 3)]
    tokens: u32,
    /// The windows that were computed: those of the text, and those of its sentences with the granularity `sentence`.
    #[schema(example = 1)]
    windows: u32,
    /// Whether a part of the text was not classified.
    truncated: bool,
}

/// The approximate bytes of a prediction on the wire, without its text and sentences.
pub(crate) const PREDICTION_BYTES: usize = 768;
/// The approximate bytes of a sentence on the wire.
const SENTENCE_BYTES: usize = 160;

/// Presents a prediction.
pub(crate) fn present_prediction(prediction: &PredictSentimentResponse) -> PredictionView {
    PredictionView {
        id: prediction.id.to_string(),
        reference: prediction.reference.as_ref().map(Reference::as_str).map(str::to_owned),
        sentiment: prediction.sentiment.map(Sentiment::as_str),
        confidence: prediction.confidence.map(Confidence::value),
        scores: present_scores(prediction.scores),
        labels: prediction.labels.iter().map(present_label).collect(),
        sentences: prediction.sentences.as_ref().map(|all| all.iter().map(present_sentence).collect()),
        model: present_model_ref(&prediction.model),
        usage: present_usage(prediction.usage),
        cached: prediction.cached,
        metadata: present_metadata(&prediction.metadata),
        created_at: present_timestamp(prediction.created_at),
    }
}

/// Presents a prediction that is not stored, and has no id to be found by.
pub(crate) fn present_unstored(prediction: &PredictSentimentResponse) -> PredictionView {
    PredictionView { id: String::new(), ..present_prediction(prediction) }
}

/// Presents a stored prediction.
pub(crate) fn present_record(record: &PredictionRecord) -> PredictionRecordView {
    PredictionRecordView { prediction: present_prediction(&record.prediction), text: record.text.clone() }
}

/// Presents a page of stored predictions.
pub(crate) fn present_page(page: ListPredictionsResponse) -> PredictionPage {
    PredictionPage { items: page.items.iter().map(present_record).collect(), next_cursor: page.next_cursor }
}

/// Estimates the bytes of a stored prediction on the wire.
pub(crate) fn estimate_bytes(record: &PredictionRecord) -> usize {
    PREDICTION_BYTES
        + record.text.as_ref().map_or(0, String::len)
        + record.prediction.sentences.as_ref().map_or(0, |sentences| sentences.len() * SENTENCE_BYTES)
}

fn present_scores(scores: SentimentScores) -> ScoresView {
    ScoresView { negative: scores.negative, neutral: scores.neutral, positive: scores.positive }
}

fn present_label(label: &LabelScore) -> LabelView {
    LabelView { label: label.label.clone(), score: label.score, logit: label.logit }
}

fn present_sentence(sentence: &SentenceResult) -> SentenceView {
    SentenceView {
        start: sentence.span.start,
        end: sentence.span.end,
        sentiment: sentence.sentiment.map(Sentiment::as_str),
        confidence: sentence.confidence.map(Confidence::value),
        scores: present_scores(sentence.scores),
    }
}

fn present_model_ref(model: &ModelRef) -> ModelRefView {
    ModelRefView { name: model.name().to_owned(), revision: model.revision().to_owned() }
}

fn present_usage(usage: Usage) -> UsageView {
    UsageView { tokens: usage.tokens, windows: usage.windows, truncated: usage.truncated }
}
