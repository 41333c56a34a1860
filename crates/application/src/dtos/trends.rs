use domain::errors::{DomainError, Rule};
use domain::value_objects::{BucketWidth, DimensionValue, Dimensions, Sentiment, TenantId, Timestamp};

use crate::ports::{RollupSum, SentimentSums};

/// By what predictions are counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum TrendBy {
    /// By sentiment alone.
    #[default]
    Sentiment,
    /// By the name of the model, too.
    Model,
    /// By the value of a metadata key, too.
    Metadata(String),
}

/// What a metadata key begins with, in parameters.
const METADATA: &str = "metadata.";

impl TrendBy {
    /// Parses `sentiment`, `model` or `metadata.KEY`.
    ///
    /// # Errors
    /// [`Rule::NotOneOf`] for the field `by`.
    pub fn parse(text: &str) -> Result<Self, DomainError> {
        let allowed = "sentiment, model, metadata.KEY".into();
        match (text, text.strip_prefix(METADATA)) {
            ("sentiment", _) => Ok(Self::Sentiment),
            ("model", _) => Ok(Self::Model),
            (_, Some(key)) => Ok(Self::Metadata(key.to_owned())),
            _ => Err(DomainError::violation("by", Rule::NotOneOf { allowed })),
        }
    }

    /// Checks that predictions are counted by the key.
    ///
    /// # Errors
    /// A violation for the field `by`.
    pub(crate) fn check(&self, dimensions: &Dimensions) -> Result<(), DomainError> {
        match self {
            Self::Sentiment | Self::Model => Ok(()),
            Self::Metadata(key) => check_key("by", key, dimensions),
        }
    }
}

/// Selects the predictions that are counted; every condition must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrendFilter {
    /// Those of this sentiment.
    pub sentiment: Option<Sentiment>,
    /// Those by the model of this name, whatever its revision.
    pub model: Option<String>,
    /// Those with one value of one metadata key.
    pub value: Option<DimensionValue>,
}

impl TrendFilter {
    /// Checks that predictions are counted by the key of the value.
    ///
    /// # Errors
    /// A violation for the field `metadata.KEY`.
    pub(crate) fn check(&self, dimensions: &Dimensions) -> Result<(), DomainError> {
        let Some(DimensionValue { dimension, .. }) = &self.value else { return Ok(()) };
        check_key(&format!("{METADATA}{dimension}"), dimension, dimensions)
    }
}

fn check_key(field: &str, key: &str, dimensions: &Dimensions) -> Result<(), DomainError> {
    if dimensions.keys().iter().any(|counted| counted == key) {
        return Ok(());
    }
    let rule = if dimensions.is_empty() {
        Rule::Contradictory { why: "needs a key in analytics.dimensions, which has none" }
    } else {
        let keys: Vec<String> = dimensions.keys().iter().map(|key| format!("{METADATA}{key}")).collect();
        Rule::NotOneOf { allowed: keys.join(", ").into() }
    };
    Err(DomainError::violation(field.to_owned(), rule))
}

/// Asks how predictions develop over time.
#[derive(Debug, Clone, PartialEq)]
pub struct ShowTrendsRequest {
    /// The owner of the predictions.
    pub tenant: TenantId,
    /// The width of the buckets; without one it depends on the length of the range.
    pub bucket: Option<BucketWidth>,
    /// The time zone of the buckets, by its IANA name; UTC without one.
    pub tz: Option<String>,
    /// The first instant; 7 days before `to` without one.
    pub from: Option<Timestamp>,
    /// The first instant after the range; now without one.
    pub to: Option<Timestamp>,
    /// By what predictions are counted.
    pub by: TrendBy,
    /// Which predictions are counted.
    pub filter: TrendFilter,
}

/// How predictions develop over time.
#[derive(Debug, Clone, PartialEq)]
pub struct ShowTrendsResponse {
    /// The buckets in the order of time, without gaps.
    pub buckets: Vec<TrendBucket>,
    /// Their width.
    pub bucket: BucketWidth,
    /// Everything that happened before it is counted; none where that is not known.
    pub complete_until: Option<Timestamp>,
    /// Whether a part of the range is being counted again.
    pub recounting: bool,
    /// The time zone.
    pub tz: String,
}

/// The predictions of a range of time.
#[derive(Debug, Clone, PartialEq)]
pub struct TrendBucket {
    /// The first instant.
    pub start: Timestamp,
    /// The first instant after it.
    pub end: Timestamp,
    /// All of them.
    pub counts: TrendCounts,
    /// Those of each group that has any, the group with the most predictions in the whole range first and the others
    /// together last; none where they are counted by sentiment alone.
    pub groups: Option<Vec<TrendGroup>>,
}

/// The predictions of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct TrendGroup {
    /// The model's name, the value, or `(other)` for all others together.
    pub key: String,
    /// Its predictions.
    pub counts: TrendCounts,
}

/// Counts of predictions.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TrendCounts(SentimentSums);

impl From<SentimentSums> for TrendCounts {
    fn from(sums: SentimentSums) -> Self {
        Self(sums)
    }
}

impl TrendCounts {
    /// Returns all predictions.
    pub fn total(&self) -> u64 {
        unsigned(self.0.total().predictions)
    }

    /// Returns those of a sentiment, or those without one.
    pub fn of(&self, sentiment: Option<Sentiment>) -> u64 {
        unsigned(self.0[sentiment].predictions)
    }

    /// Returns those with a sentiment.
    pub fn with_sentiment(&self) -> u64 {
        self.total().saturating_sub(self.of(None))
    }

    /// Returns those whose text was cut at the model's window.
    pub fn truncated(&self) -> u64 {
        unsigned(self.0.total().truncated)
    }

    /// Returns the share of positive ones less that of negative ones, from -1 to 1, among those with a sentiment; none
    /// where there are none.
    pub fn net(&self) -> Option<f64> {
        let of = |sentiment| self.of(Some(sentiment)) as f64;
        let with_sentiment = self.with_sentiment();
        (with_sentiment > 0)
            .then(|| (of(Sentiment::Positive) - of(Sentiment::Negative)) / with_sentiment as f64)
    }

    /// Returns the mean of the confidences, from 0 to 1; none where there are none.
    pub fn mean_confidence(&self) -> Option<f64> {
        let RollupSum { confident, confidence_sum, .. } = self.0.total();
        (confident > 0).then(|| confidence_sum as f64 / 1e9 / confident as f64)
    }
}

/// A count is negative only where a rollup is wrong.
fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}

/// Asks how groups of predictions differ.
#[derive(Debug, Clone, PartialEq)]
pub struct BreakDownRequest {
    /// The owner of the predictions.
    pub tenant: TenantId,
    /// The groups.
    pub by: TrendBy,
    /// The first instant; 7 days before `to` without one.
    pub from: Option<Timestamp>,
    /// The first instant after the range; now without one.
    pub to: Option<Timestamp>,
    /// The most groups that are named.
    pub limit: Option<u32>,
}

/// How groups of predictions differ.
#[derive(Debug, Clone, PartialEq)]
pub struct BreakDownResponse {
    /// The groups, the largest first, and the others together last.
    pub rows: Vec<BreakdownRow>,
    /// The first instant of the range: that of the request, rounded down to a quarter of an hour.
    pub from: Timestamp,
    /// The first instant after the range, rounded up.
    pub to: Timestamp,
    /// Everything that happened before it is counted; none where that is not known.
    pub complete_until: Option<Timestamp>,
    /// Whether a part of the range is being counted again.
    pub recounting: bool,
}

/// A group beside the others.
#[derive(Debug, Clone, PartialEq)]
pub struct BreakdownRow {
    /// The sentiment, the model's name, the value, or `(other)` for all others together.
    pub key: String,
    /// Its predictions.
    pub counts: TrendCounts,
    /// All predictions of the range but these.
    pub rest: TrendCounts,
}
