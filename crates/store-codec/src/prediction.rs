use std::collections::HashMap;
use std::num::NonZeroU32;

use application::dtos::{PredictSentimentResponse, PredictionRecord};
use application::ports::StoreError;
use domain::value_objects::{
    Confidence, ModelRef, PredictionId, PredictionResult, Reference, Sentiment, SentimentScores, Usage,
};

use crate::columns::{Columns, Unreadable, count, text};
use crate::json::{read_labels, read_metadata};
use crate::sentences::read_sentences;

/// Reads a row of `predictions`.
///
/// # Errors
/// `Corrupt` for the first column that cannot be read.
pub fn read_prediction(row: &impl Columns) -> Result<PredictionRecord, StoreError> {
    let id = read_prediction_id(row)?;
    read(row, id).map_err(|error| corrupt(error, id))
}

/// Reads rows of `predictions` in any order; returns for each of `ids`, in their order, its record, none where it has
/// no row, or `Corrupt` for the first column that cannot be read.
///
/// # Errors
/// `Corrupt` for the first row whose id cannot be read.
pub fn read_predictions(
    rows: impl IntoIterator<Item = impl Columns>,
    ids: &[PredictionId],
) -> Result<Vec<Result<Option<PredictionRecord>, StoreError>>, StoreError> {
    let records = rows.into_iter().map(|row| {
        let id = read_prediction_id(&row)?;
        Ok((id, read(&row, id)))
    });
    let records: HashMap<_, _> = records.collect::<Result<_, StoreError>>()?;
    let record = |id: &PredictionId| match records.get(id) {
        None => Ok(None),
        Some(Ok(record)) => Ok(Some(record.clone())),
        Some(Err(error)) => Err(corrupt(*error, *id)),
    };
    Ok(ids.iter().map(record).collect())
}

/// Reads the id of a row of `predictions`.
///
/// # Errors
/// `Corrupt` where it cannot be read.
pub fn read_prediction_id(row: &impl Columns) -> Result<PredictionId, StoreError> {
    let id = row.id("id").map_err(|error| error.corrupt("predictions", "?".to_owned()))?;
    Ok(PredictionId::from_u128(id))
}

fn corrupt(error: Unreadable, id: PredictionId) -> StoreError {
    error.corrupt("predictions", id.to_string())
}

fn read(row: &impl Columns, id: PredictionId) -> Result<PredictionRecord, Unreadable> {
    let result = read_result(row)?;
    let (sentiment, confidence, scores) = (result.sentiment(), result.confidence(), result.scores());
    let (labels, sentences) = result.into_answered();
    let reference = row.text("ref")?.map(Reference::parse).transpose();
    let prediction = PredictSentimentResponse {
        id,
        reference: reference.map_err(|_| Unreadable("ref"))?,
        sentiment,
        confidence,
        scores,
        labels,
        sentences,
        model: ModelRef::new(text(row, "model_name")?, text(row, "model_revision")?),
        usage: Usage {
            tokens: count(row, "tokens")?,
            windows: count(row, "windows")?,
            truncated: row.boolean("truncated")?,
        },
        cached: row.boolean("cached")?,
        metadata: read_metadata(&text(row, "metadata")?).ok_or(Unreadable("metadata"))?,
        created_at: row.time("created_at")?,
    };
    Ok(PredictionRecord { prediction, text: row.text("text")? })
}

fn read_result(row: &impl Columns) -> Result<PredictionResult, Unreadable> {
    let sentiment = row.text("sentiment")?.map(|name| Sentiment::parse("sentiment", &name));
    let confidence = row.real("confidence")?.map(|value| Confidence::try_new("confidence", value));
    let scores = SentimentScores {
        negative: row.real("score_negative")?,
        neutral: row.real("score_neutral")?,
        positive: row.real("score_positive")?,
    };
    let labels = read_labels(&text(row, "labels")?).ok_or(Unreadable("labels"))?;
    // A number beyond any list's length leaves all labels in.
    let top_k = row.integer("top_k")?.and_then(|most| u32::try_from(most).ok()).and_then(NonZeroU32::new);
    let sentences = match row.text("sentences")? {
        Some(json) => Some(read_sentences(&json).ok_or(Unreadable("sentences"))?),
        None => None,
    };
    let result = PredictionResult::restore(
        sentiment.transpose().map_err(|_| Unreadable("sentiment"))?,
        confidence.transpose().map_err(|_| Unreadable("confidence"))?,
        scores,
        labels,
    );
    Ok(result.restore_details(top_k, sentences))
}
