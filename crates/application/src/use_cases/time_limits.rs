//! How long each kind of request may take, unless its client shortens it.

use std::time::Duration;

use domain::policies::estimate_tokens;

use crate::use_cases::prediction_pipeline::ValidItem;

/// A request about one thing, and a page of a list.
pub const SINGLE: Duration = Duration::from_secs(10);
/// An analysis, which may examine millions of rows.
pub const ANALYSIS: Duration = Duration::from_secs(30);
/// A line of a stream, from its entry into the model's queue.
pub const LINE: Duration = Duration::from_secs(10);
/// The longest of a batch.
pub const LONGEST_BATCH: Duration = Duration::from_mins(2);

/// How many times longer a batch may take than its tokens take on a model that has nothing else to do.
const BATCH_FACTOR: f64 = 3.0;

/// Returns how long a batch of `items` may take on a model that computes `tokens_per_second`: at least as long as a
/// single request, and as long as the longest batch where the model's speed is not known.
pub(super) fn batch<'a>(
    items: impl Iterator<Item = &'a ValidItem>,
    tokens_per_second: Option<f64>,
) -> Duration {
    let Some(tokens_per_second) = tokens_per_second else { return LONGEST_BATCH };
    let texts = items.flat_map(|item| {
        let sentences = item.sentences.iter().map(|sentence| &sentence.text);
        std::iter::once(&item.text).chain(sentences)
    });
    let tokens: u64 = texts.map(|text| estimate_tokens(text.as_str())).sum();
    let seconds = BATCH_FACTOR * tokens as f64 / tokens_per_second;
    // An infinite or invalid number of seconds is none: it takes the longest.
    let needed = Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST_BATCH);
    needed.clamp(SINGLE, LONGEST_BATCH)
}
