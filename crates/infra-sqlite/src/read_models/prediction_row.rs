use application::dtos::{PredictSentimentResponse, PredictionRecord};
use application::ports::StoreError;
use domain::value_objects::{
    Confidence, LabelScore, ModelRef, PredictionId, Reference, Sentiment, SentimentScores, Timestamp, Usage,
};
use sqlx::FromRow;

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
        let bits = row.id.as_slice().try_into().map(u128::from_be_bytes).map_err(|_| corrupt("id"))?;
        let reference = row.reference.map(Reference::parse).transpose().map_err(|_| corrupt("ref"))?;
        let sentiment = row.sentiment.map(|name| Sentiment::parse("sentiment", &name)).transpose();
        let confidence = row.confidence.map(|value| Confidence::try_new("confidence", value as f32));
        let score = |score: Option<f64>| score.map(|score| score as f32);
        let prediction = PredictSentimentResponse {
            id: PredictionId::from_u128(bits),
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

/// `column` of the row `id` does not hold what it should.
fn corrupt(column: &'static str, id: &[u8]) -> StoreError {
    let bits = id.try_into().map(u128::from_be_bytes);
    let id = bits.map_or_else(|_| format!("{id:02x?}"), |bits| PredictionId::from_u128(bits).to_string());
    StoreError::Corrupt { table: "predictions", column, id }
}
