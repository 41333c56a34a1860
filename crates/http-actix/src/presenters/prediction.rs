use application::dtos::{ListPredictionsResponse, PredictSentimentResponse, PredictionRecord};
use domain::value_objects::{
    Confidence, LabelScore, ModelRef, Reference, SentenceResult, Sentiment, SentimentScores, Usage,
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::openapi::schemas;
use crate::presenters::{present_instant, present_metadata};

/// An answer, which is kept under its id.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Prediction)]
pub(crate) struct PredictionView {
    /// The id under which the answer is found again: a UUID of version 7.
    #[schema(format = "uuid", example = "01997a3e-7c10-7d52-a1f0-5f0f6f3f9f11")]
    id: String,
    /// Your own id for the text.
    #[serde(rename = "ref")]
    #[schema(required = true, example = "review-17")]
    reference: Option<String>,
    /// The sentiment; null where the model has no mapping to sentiments.
    #[schema(schema_with = schemas::nullable_sentiment, required = true)]
    sentiment: Option<&'static str>,
    /// The chosen label's probability; null for raw numbers and where the sentiment is `mixed`.
    #[schema(required = true, minimum = 0, maximum = 1, example = 0.9981)]
    confidence: Option<f32>,
    scores: ScoresView,
    /// The model's own outputs, best first, as many as `top_k` asked for.
    labels: Vec<LabelView>,
    /// The sentences in reading order, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    sentences: Option<Vec<SentenceView>>,
    model: ModelRefView,
    usage: UsageView,
    /// Whether the model's output came from a cache.
    cached: bool,
    /// Your own facts about the text.
    #[schema(schema_with = schemas::metadata)]
    metadata: Map<String, Value>,
    /// When the answer was made.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.123456Z")]
    created_at: String,
}

/// An answer that was kept, with its text.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PredictionRecord)]
pub(crate) struct PredictionRecordView {
    #[serde(flatten)]
    prediction: PredictionView,
    /// The text as it was sent; null where it was not kept.
    #[schema(required = true, example = "I love it")]
    text: Option<String>,
}

/// One page of answers, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PredictionPage)]
pub(crate) struct PredictionPage {
    /// The answers, ids descending.
    #[schema(max_items = 100)]
    items: Vec<PredictionRecordView>,
    /// Where the next page begins, to be sent as `cursor` with the same filters; null on the last page.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// The probabilities of those of the three sentiments that the model's labels map to.
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

/// One of the model's own outputs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LabelScore)]
struct LabelView {
    /// The model's own name for it.
    #[schema(example = "POSITIVE")]
    label: String,
    /// A probability, or a raw number: a regression's, or where `function` is `none`.
    #[schema(example = 0.9981)]
    score: f32,
    /// What the model itself said, the mean of its windows; there where `raw` asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 4.2)]
    logit: Option<f32>,
}

/// One sentence of the text. It stands at the characters `start` to `end`, which count Unicode scalar values (code
/// points), neither bytes nor UTF-16 units.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sentence)]
struct SentenceView {
    /// Its first character, counted from 0.
    #[schema(example = 0)]
    start: u32,
    /// The character behind its last.
    #[schema(example = 10)]
    end: u32,
    /// Its sentiment; null where the model has no mapping to sentiments.
    #[schema(schema_with = schemas::nullable_sentiment, required = true)]
    sentiment: Option<&'static str>,
    /// The chosen label's probability.
    #[schema(required = true, minimum = 0, maximum = 1, example = 0.9981)]
    confidence: Option<f32>,
    scores: ScoresView,
}

/// The model that answered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ModelRef)]
struct ModelRefView {
    /// Its name.
    #[schema(example = "sentiment-minilm-l6")]
    name: String,
    /// The state of the weights that carry the name.
    #[schema(example = "1")]
    revision: String,
}

/// What the answer took.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Usage)]
struct UsageView {
    /// The text's tokens that were read, special tokens not counted, each counted once.
    #[schema(example = 3)]
    tokens: u32,
    /// The windows that were read: those of the text, and of its sentences where they were asked for.
    #[schema(example = 1)]
    windows: u32,
    /// Whether a part of the text was not read.
    truncated: bool,
}

/// About how many bytes an answer without its text and its sentences has on the wire.
pub(crate) const ANSWER_BYTES: usize = 768;
/// About how many bytes a sentence has on the wire.
const SENTENCE_BYTES: usize = 160;

/// The answer to one text.
pub(crate) fn present_prediction(answer: &PredictSentimentResponse) -> PredictionView {
    PredictionView {
        id: answer.id.to_string(),
        reference: answer.reference.as_ref().map(Reference::as_str).map(str::to_owned),
        sentiment: answer.sentiment.map(Sentiment::as_str),
        confidence: answer.confidence.map(Confidence::value),
        scores: present_scores(answer.scores),
        labels: answer.labels.iter().map(present_label).collect(),
        sentences: answer.sentences.as_ref().map(|all| all.iter().map(present_sentence).collect()),
        model: present_model_ref(&answer.model),
        usage: present_usage(answer.usage),
        cached: answer.cached,
        metadata: present_metadata(&answer.metadata),
        created_at: present_instant(answer.created_at),
    }
}

/// A kept answer.
pub(crate) fn present_record(record: &PredictionRecord) -> PredictionRecordView {
    PredictionRecordView { prediction: present_prediction(&record.prediction), text: record.text.clone() }
}

/// A page of kept answers.
pub(crate) fn present_page(page: ListPredictionsResponse) -> PredictionPage {
    PredictionPage { items: page.items.iter().map(present_record).collect(), next_cursor: page.next_cursor }
}

/// About how many bytes a stored answer has on the wire.
pub(crate) fn estimate_bytes(record: &PredictionRecord) -> usize {
    ANSWER_BYTES
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
