use application::dtos::{PredictSentimentResponse, PredictionRecord};
use application::ports::StoreError;
use domain::value_objects::{
    Confidence, LabelScore, ModelRef, PredictionId, Reference, Sentiment, SentimentScores, Usage,
};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};
use uuid::Uuid;

use crate::error::unavailable;
use crate::json::{read_labels, read_metadata};
use crate::sentences_json::read_sentences;
use crate::timestamp::PgTimestamp;

/// A row of `predictions` as it is kept, without its tenant and terms.
#[derive(FromRow)]
pub(super) struct PredictionRow {
    id: Uuid,
    created_at: PgTimestamp,
    #[sqlx(rename = "ref")]
    reference: Option<String>,
    sentiment: Option<String>,
    confidence: Option<f32>,
    score_negative: Option<f32>,
    score_neutral: Option<f32>,
    score_positive: Option<f32>,
    labels: String,
    top_k: Option<i64>,
    sentences: Option<String>,
    model_name: String,
    model_revision: String,
    tokens: i64,
    windows: i64,
    truncated: bool,
    cached: bool,
    metadata: String,
    text: Option<String>,
}

/// The columns by name, for those whose values are of another type than this release knows.
const COLUMNS: [&str; 19] = [
    "id",
    "created_at",
    "ref",
    "sentiment",
    "confidence",
    "score_negative",
    "score_neutral",
    "score_positive",
    "labels",
    "top_k",
    "sentences",
    "model_name",
    "model_revision",
    "tokens",
    "windows",
    "truncated",
    "cached",
    "metadata",
    "text",
];

/// What `row` holds.
///
/// # Errors
/// `Corrupt` for the first column that cannot be read.
pub(super) fn read_row(row: &PgRow) -> Result<PredictionRecord, StoreError> {
    PredictionRow::from_row(row).map_err(|error| undecodable(error, row))?.try_into()
}

/// The id of `row`, whatever else it holds.
pub(super) fn read_id(row: &PgRow) -> Result<PredictionId, StoreError> {
    let id: Uuid = row.try_get("id").map_err(|error| undecodable(error, row))?;
    Ok(PredictionId::from_u128(id.as_u128()))
}

/// A column of `row` is of another type, or null where it must not be.
fn undecodable(error: sqlx::Error, row: &PgRow) -> StoreError {
    let sqlx::Error::ColumnDecode { index, .. } = error else { return unavailable(error) };
    let column = COLUMNS.into_iter().find(|column| index.trim_matches('"') == *column).unwrap_or("?");
    let id = row.try_get::<Uuid, _>("id").map_or_else(|_| "?".to_owned(), |id| id.to_string());
    StoreError::Corrupt { table: "predictions", column, id }
}

/// Those of the `labels` that were answered.
fn answered(mut labels: Vec<LabelScore>, top_k: Option<i64>) -> Vec<LabelScore> {
    // A number beyond any list's length leaves all of them.
    labels.truncate(top_k.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX));
    labels
}

impl TryFrom<PredictionRow> for PredictionRecord {
    type Error = StoreError;

    fn try_from(row: PredictionRow) -> Result<Self, StoreError> {
        let id = row.id;
        let corrupt =
            |column| move || StoreError::Corrupt { table: "predictions", column, id: id.to_string() };
        let sentiment = row.sentiment.map(|name| Sentiment::parse("sentiment", &name)).transpose();
        let confidence = row.confidence.map(|value| Confidence::try_new("confidence", value)).transpose();
        let prediction = PredictSentimentResponse {
            id: PredictionId::from_u128(row.id.as_u128()),
            reference: row.reference.map(Reference::parse).transpose().ok().ok_or_else(corrupt("ref"))?,
            sentiment: sentiment.ok().ok_or_else(corrupt("sentiment"))?,
            confidence: confidence.ok().ok_or_else(corrupt("confidence"))?,
            scores: SentimentScores {
                negative: row.score_negative,
                neutral: row.score_neutral,
                positive: row.score_positive,
            },
            labels: answered(read_labels(&row.labels).ok_or_else(corrupt("labels"))?, row.top_k),
            sentences: match &row.sentences {
                Some(json) => Some(read_sentences(json).ok_or_else(corrupt("sentences"))?),
                None => None,
            },
            model: ModelRef::new(row.model_name, row.model_revision),
            usage: Usage {
                tokens: u32::try_from(row.tokens).ok().ok_or_else(corrupt("tokens"))?,
                windows: u32::try_from(row.windows).ok().ok_or_else(corrupt("windows"))?,
                truncated: row.truncated,
            },
            cached: row.cached,
            metadata: read_metadata(&row.metadata).ok_or_else(corrupt("metadata"))?,
            created_at: row.created_at.into(),
        };
        Ok(Self { prediction, text: row.text })
    }
}
