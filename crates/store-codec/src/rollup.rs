use application::ports::{OutdatedRange, PendingEvent};
use domain::events::{PREDICTION_DELETED, SENTIMENT_PREDICTED};
use domain::value_objects::{
    Bucket, Confidence, DimensionValues, Dimensions, ModelRef, PredictionFacts, Rollup, RollupKey, Sentiment,
    TenantId, Usage,
};

use crate::columns::{Columns, Unreadable, count, text};
use crate::json::{read_facts, read_metadata};

/// The columns of `rollups` that count, in the order of [`write_rollup`].
pub const ROLLUP_COUNTS: [&str; COUNTS] = [
    "predictions",
    "truncated",
    "cached",
    "tokens",
    "confident",
    "confidence_sum",
    "confidence_00",
    "confidence_01",
    "confidence_02",
    "confidence_03",
    "confidence_04",
    "confidence_05",
    "confidence_06",
    "confidence_07",
    "confidence_08",
    "confidence_09",
    "confidence_10",
    "confidence_11",
    "confidence_12",
    "confidence_13",
    "confidence_14",
    "confidence_15",
    "confidence_16",
    "confidence_17",
    "confidence_18",
    "confidence_19",
    "length_00",
    "length_01",
    "length_02",
    "length_03",
    "length_04",
    "length_05",
    "length_06",
    "length_07",
    "length_08",
    "length_09",
    "length_10",
    "length_11",
    "length_12",
    "length_13",
    "length_14",
    "length_15",
];

/// The first of [`ROLLUP_COUNTS`] that are bins of a histogram.
pub const FIRST_BIN: usize = 6;

const COUNTS: usize = FIRST_BIN + Rollup::CONFIDENCE_BINS + Rollup::LENGTH_BINS;

/// The names of sentiments in `rollups`, with the one for none.
pub const ROLLUP_SENTIMENTS: [&str; 5] = ["", "negative", "neutral", "positive", "mixed"];

/// The counts of a rollup, in the order of [`ROLLUP_COUNTS`].
pub fn write_rollup(rollup: &Rollup) -> [i64; COUNTS] {
    let Rollup { predictions, truncated, cached, tokens, confident, confidence_sum, .. } = *rollup;
    let mut counts = [0; COUNTS];
    let totals = [predictions, truncated, cached, tokens, confident, confidence_sum];
    let bins = rollup.confidence_histogram.into_iter().chain(rollup.length_histogram);
    for (count, value) in counts.iter_mut().zip(totals.into_iter().chain(bins)) {
        *count = value;
    }
    counts
}

/// The values of the key's dimension, value and sentiment.
pub fn write_rollup_key(key: &RollupKey) -> [&str; 3] {
    let (dimension, value) =
        key.dimension.as_ref().map_or(("", ""), |found| (found.dimension.as_str(), found.value.as_str()));
    [dimension, value, key.sentiment.map_or("", Sentiment::as_str)]
}

/// The columns that [`read_history`] reads; the last one only where there are dimensions.
pub const HISTORY_COLUMNS: &str = "id, created_at, sentiment, confidence, model_name, model_revision, tokens, \
     windows, truncated, cached";

/// Reads the facts of rows of `predictions`; leaves out, logs and counts those that cannot be read.
pub fn read_history(
    rows: impl Iterator<Item = impl Columns>,
    dimensions: &Dimensions,
) -> Vec<PredictionFacts> {
    let mut unreadable = 0_u64;
    let facts = rows.filter_map(|row| read_row_facts(&row, dimensions).map_err(|_| unreadable += 1).ok());
    let facts = facts.collect();
    if unreadable > 0 {
        metrics::counter!("undertone_corrupt_rows_total", "table" => "predictions").increment(unreadable);
        tracing::warn!(rows = unreadable, "counting a history again left out unreadable rows");
    }
    facts
}

fn read_row_facts(row: &impl Columns, dimensions: &Dimensions) -> Result<PredictionFacts, Unreadable> {
    let sentiment = row.text("sentiment")?.map(|name| Sentiment::parse("sentiment", &name));
    let confidence = row.real("confidence")?.map(|value| Confidence::try_new("confidence", value));
    let dimensions = if dimensions.is_empty() {
        DimensionValues::default()
    } else {
        dimensions.of(&read_metadata(&text(row, "metadata")?).ok_or(Unreadable("metadata"))?)
    };
    Ok(PredictionFacts {
        created_at: row.time("created_at")?,
        model: ModelRef::new(text(row, "model_name")?, text(row, "model_revision")?),
        sentiment: sentiment.transpose().map_err(|_| Unreadable("sentiment"))?,
        confidence: confidence.transpose().map_err(|_| Unreadable("confidence"))?,
        usage: Usage {
            tokens: count(row, "tokens")?,
            windows: count(row, "windows")?,
            truncated: row.boolean("truncated")?,
        },
        cached: row.boolean("cached")?,
        dimensions,
    })
}

/// Reads the event of a row of `outbox`, from its columns `event_type` and `payload`; none where it has no facts or
/// cannot be read.
pub fn read_pending(row: &impl Columns) -> Option<PendingEvent> {
    let facts = read_facts(&text(row, "payload").ok()?)?;
    match &*text(row, "event_type").ok()? {
        SENTIMENT_PREDICTED => Some(PendingEvent::Predicted(facts)),
        PREDICTION_DELETED => Some(PendingEvent::Deleted(facts)),
        _ => None,
    }
}

/// Returns the bucket of a prediction that was deleted, from a row of its event with the column `tenant` too.
pub fn read_deleted_bucket(row: &impl Columns) -> Option<OutdatedRange> {
    let PendingEvent::Deleted(facts) = read_pending(row)? else { return None };
    let tenant = TenantId::parse(text(row, "tenant").ok()?).ok()?;
    let bucket = Bucket::containing(facts.created_at);
    Some(OutdatedRange { tenant, first: bucket, last: bucket })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_count_has_a_column_of_its_own() {
        let mut rollup = Rollup { predictions: 1, confidence_sum: 6, ..Rollup::default() };
        rollup.confidence_histogram[19] = 20;
        rollup.length_histogram[15] = 16;
        let counts = write_rollup(&rollup);
        let of = |column| counts[ROLLUP_COUNTS.iter().position(|name| *name == column).unwrap_or_default()];
        assert_eq!((of("predictions"), of("confidence_sum")), (1, 6));
        assert_eq!((of("confidence_19"), of("length_15"), of("length_00")), (20, 16, 0));
        assert_eq!(ROLLUP_COUNTS[FIRST_BIN], "confidence_00");
    }
}
