use std::ops::RangeInclusive;

use domain::value_objects::{PredictionId, Sentiment, TenantId, Timestamp};

/// Find the terms that distinguish texts of a sentiment from others.
#[derive(Debug, Clone)]
pub struct RankTermsRequest {
    /// The tenant.
    pub tenant: TenantId,
    /// The sentiment whose terms are wanted.
    pub sentiment: Sentiment,
    /// The texts against which they are compared.
    pub against: Against,
    /// The lengths of terms in words, from 1 to 2.
    pub ngrams: RangeInclusive<usize>,
    /// Of texts from this instant on, to the millisecond; 7 days before `to` by default.
    pub from: Option<Timestamp>,
    /// Of texts before this instant, to the millisecond; now by default.
    pub to: Option<Timestamp>,
    /// Of the model of this name only.
    pub model: Option<String>,
    /// The most terms, 1 to 100; 20 by default.
    pub limit: Option<u32>,
    /// The fewest texts of both sides that have a term, at least 1; 5 by default.
    pub min_texts: Option<u32>,
}

/// The texts against which those of a sentiment are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// Those of the other sentiments in the same range of time.
    Rest,
    /// Those of the same sentiment in the range of the same length that ends where the range begins.
    Previous,
}

/// The terms that distinguish texts of a sentiment from others.
#[derive(Debug, Clone, PartialEq)]
pub struct RankTermsResponse {
    /// The terms, the most distinct first.
    pub terms: Vec<DistinctTerm>,
    /// The texts of the sentiment that were read.
    pub sample: TextSample,
    /// The texts that were read for comparison.
    pub sample_other: TextSample,
    /// The beginning of the range.
    pub from: Timestamp,
    /// The end of the range.
    pub to: Timestamp,
    /// Whether there were too many distinct terms, so that rare ones were dropped.
    pub truncated_vocabulary: bool,
}

/// A term that distinguishes texts of a sentiment from others.
#[derive(Debug, Clone, PartialEq)]
pub struct DistinctTerm {
    /// The term: words in lower case, separated by spaces.
    pub term: String,
    /// How many of the texts that were read have it.
    pub texts: u32,
    /// How many of the texts that were read for comparison have it.
    pub texts_other: u32,
    /// The log-odds ratio; positive if the term is more frequent in texts of the sentiment.
    pub log_odds: f64,
    /// The ratio in standard deviations.
    pub z: f64,
    /// At most three predictions with the term, on the side where it is more frequent, the newest first.
    pub examples: Vec<PredictionId>,
}

/// How many texts of a selection were read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TextSample {
    /// The texts that were read: chosen at random where the selection has more.
    pub read: u64,
    /// The predictions of the selection, with a stored text or without.
    pub of: u64,
    /// The chosen predictions whose text is not stored.
    pub unavailable: u64,
}
