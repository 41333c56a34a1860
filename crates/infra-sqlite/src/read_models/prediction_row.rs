use application::dtos::{PredictSentimentResponse, PredictionRecord};
use application::ports::StoreError;
use domain::value_objects::{
    Confidence, LabelScore, ModelRef, PredictionId, Reference, Sentiment, SentimentScores, Timestamp, Usage,
};
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};

use crate::error::unavailable;
use crate::json::{read_labels, read_metadata};
use crate::sentences_json::read_sentences;

/// A row of `predictions` as it is kept, without its tenant.
#[derive(FromRow)]
pub(super) struct PredictionRow {
    id: Vec<u8>,
    #[sqlx(rename = "ref")]
    reference: Option<String>,
    metadata: String,
    sentiment: Option<String>,
    confidence: Option<f64>,
    score_negative: Option<f64>,
    score_neutral: Option<f64>,
    score_positive: Option<f64>,
    labels: String,
    top_k: Option<i64>,
    sentences: Option<String>,
    model_name: String,
    model_revision: String,
    tokens: i64,
    windows: i64,
    truncated: bool,
    cached: bool,
    created_at: i64,
    text: Option<String>,
}

/// The columns by name, for those whose values are of another type than this release knows.
const COLUMNS: [&str; 19] = [
    "id",
    "ref",
    "metadata",
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
    "created_at",
    "text",
];

/// What `row` holds.
///
/// # Errors
/// `Corrupt` for the first column that cannot be read.
pub(super) fn read_row(row: &SqliteRow) -> Result<PredictionRecord, StoreError> {
    PredictionRow::from_row(row).map_err(|error| undecodable(error, row))?.try_into()
}

/// The id of `row`, whatever else it holds.
pub(super) fn read_id(row: &SqliteRow) -> Result<PredictionId, StoreError> {
    let bytes: Vec<u8> = row.try_get("id").map_err(|error| undecodable(error, row))?;
    id_of(&bytes).ok_or_else(|| corrupt("id", &bytes))
}

/// A column of `row` is of another type, or null where it must not be.
fn undecodable(error: sqlx::Error, row: &SqliteRow) -> StoreError {
    let sqlx::Error::ColumnDecode { index, .. } = error else { return unavailable(error) };
    let column = COLUMNS.into_iter().find(|column| index.trim_matches('"') == *column).unwrap_or("?");
    corrupt(column, &row.try_get::<Vec<u8>, _>("id").unwrap_or_default())
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
        let corrupt = |column| corrupt(column, &row.id);
        let id = id_of(&row.id).ok_or_else(|| corrupt("id"))?;
        let reference = row.reference.map(Reference::parse).transpose().map_err(|_| corrupt("ref"))?;
        let sentiment = row.sentiment.map(|name| Sentiment::parse("sentiment", &name)).transpose();
        let confidence = row.confidence.map(|value| Confidence::try_new("confidence", value as f32));
        let score = |score: Option<f64>| score.map(|score| score as f32);
        let prediction = PredictSentimentResponse {
            id,
            reference,
            sentiment: sentiment.map_err(|_| corrupt("sentiment"))?,
            confidence: confidence.transpose().map_err(|_| corrupt("confidence"))?,
            scores: SentimentScores {
                negative: score(row.score_negative),
                neutral: score(row.score_neutral),
                positive: score(row.score_positive),
            },
            labels: answered(read_labels(&row.labels).ok_or_else(|| corrupt("labels"))?, row.top_k),
            sentences: match &row.sentences {
                Some(json) => Some(read_sentences(json).ok_or_else(|| corrupt("sentences"))?),
                None => None,
            },
            model: ModelRef::new(row.model_name, row.model_revision),
            usage: Usage {
                tokens: u32::try_from(row.tokens).map_err(|_| corrupt("tokens"))?,
                windows: u32::try_from(row.windows).map_err(|_| corrupt("windows"))?,
                truncated: row.truncated,
            },
            cached: row.cached,
            metadata: read_metadata(&row.metadata).ok_or_else(|| corrupt("metadata"))?,
            created_at: Timestamp::from_micros(row.created_at),
        };
        Ok(Self { prediction, text: row.text })
    }
}

fn id_of(bytes: &[u8]) -> Option<PredictionId> {
    bytes.try_into().ok().map(u128::from_be_bytes).map(PredictionId::from_u128)
}

/// `column` of the row `id` does not hold what it should.
fn corrupt(column: &'static str, id: &[u8]) -> StoreError {
    let id = id_of(id).map_or_else(|| format!("{id:02x?}"), |id| id.to_string());
    StoreError::Corrupt { table: "predictions", column, id }
}
