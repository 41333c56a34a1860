use std::time::Duration;

use crate::value_objects::{Confidence, ModelRef, PredictionFacts, Sentiment, TenantId, Timestamp};

/// A quarter of an hour in UTC, by its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket(Timestamp);

impl Bucket {
    /// The length of a bucket.
    pub const LENGTH: Duration = Duration::from_mins(15);

    /// Returns the bucket that contains `instant`.
    pub fn containing(instant: Timestamp) -> Self {
        let micros = instant.as_micros();
        Self(Timestamp::from_micros(micros.saturating_sub(micros.rem_euclid(LENGTH_US))))
    }

    /// Returns the first instant of the bucket.
    pub fn start(self) -> Timestamp {
        self.0
    }

    /// Returns the first instant after the bucket.
    pub fn end(self) -> Timestamp {
        self.0.plus(Self::LENGTH)
    }

    /// Returns the bucket that is `buckets` before this one.
    pub fn earlier(self, buckets: u32) -> Self {
        Self(self.0.minus(Self::LENGTH * buckets))
    }

    /// Returns the bucket that is `buckets` after this one.
    pub fn later(self, buckets: u32) -> Self {
        Self(self.0.plus(Self::LENGTH * buckets))
    }

    /// Returns the day (UTC) of the bucket: the days since 1970-01-01.
    pub fn day(self) -> i64 {
        self.0.as_micros().div_euclid(24 * 60 * 60 * 1_000_000)
    }
}

const LENGTH_US: i64 = 15 * 60 * 1_000_000;

/// One value of one dimension.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DimensionValue {
    /// The metadata key.
    pub dimension: String,
    /// The value.
    pub value: String,
}

/// The predictions that a [`Rollup`] counts: those of a tenant in a bucket, of a model and a sentiment, and either all
/// of them or those with one value of one dimension.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RollupKey {
    /// The owner of the predictions.
    pub tenant: TenantId,
    /// The value that they have; none where all are counted.
    pub dimension: Option<DimensionValue>,
    /// Their sentiment; none where the model has no mapping to sentiments.
    pub sentiment: Option<Sentiment>,
    /// The start of their bucket, which is at most an hour's quarter.
    pub bucket: Bucket,
    /// The name of their model.
    pub model_name: String,
    /// The revision of their model.
    pub model_revision: String,
}

/// Counts of predictions. All are whole numbers, so that adding and subtracting in any order gives the same sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rollup {
    /// The predictions.
    pub predictions: i64,
    /// Those whose text was cut at the model's window.
    pub truncated: i64,
    /// Those whose output came from a cache.
    pub cached: i64,
    /// The tokens that were computed.
    pub tokens: i64,
    /// Those with a confidence.
    pub confident: i64,
    /// The sum of the confidences, in billionths.
    pub confidence_sum: i64,
    /// Those with a confidence, by twentieths: bin `n` has the confidences from `n/20` on and below `(n+1)/20`; the
    /// last one has 1 too.
    pub confidence_histogram: [i64; Self::CONFIDENCE_BINS],
    /// The predictions by tokens: bin 0 has those without any, bin `n` those with 2^(n-1) tokens and more, but fewer
    /// than 2^n; the last one has all with more.
    pub length_histogram: [i64; Self::LENGTH_BINS],
}

impl Default for Rollup {
    fn default() -> Self {
        Self {
            predictions: 0,
            truncated: 0,
            cached: 0,
            tokens: 0,
            confident: 0,
            confidence_sum: 0,
            confidence_histogram: [0; Self::CONFIDENCE_BINS],
            length_histogram: [0; Self::LENGTH_BINS],
        }
    }
}

impl Rollup {
    /// The bins of the histogram of confidences.
    pub const CONFIDENCE_BINS: usize = 20;
    /// The bins of the histogram of lengths.
    pub const LENGTH_BINS: usize = 16;

    /// Counts one prediction.
    pub fn of(facts: &PredictionFacts) -> Self {
        let mut rollup = Self {
            predictions: 1,
            truncated: facts.usage.truncated.into(),
            cached: facts.cached.into(),
            tokens: facts.usage.tokens.into(),
            ..Self::default()
        };
        if let Some(confidence) = facts.confidence.map(Confidence::value) {
            rollup.confident = 1;
            // A confidence is within 0..=1, so neither cast can overflow.
            rollup.confidence_sum = (f64::from(confidence) * 1e9).round() as i64;
            let bin = (f64::from(confidence) * Self::CONFIDENCE_BINS as f64) as usize;
            rollup.confidence_histogram[bin.min(Self::CONFIDENCE_BINS - 1)] = 1;
        }
        let bits = (u32::BITS - facts.usage.tokens.leading_zeros()) as usize;
        rollup.length_histogram[bits.min(Self::LENGTH_BINS - 1)] = 1;
        rollup
    }

    /// Adds `other`.
    pub fn add(&mut self, other: &Self) {
        self.combine(other, i64::wrapping_add);
    }

    /// Subtracts `other`.
    pub fn subtract(&mut self, other: &Self) {
        self.combine(other, i64::wrapping_sub);
    }

    /// Returns whether every count is zero.
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    fn combine(&mut self, other: &Self, with: fn(i64, i64) -> i64) {
        self.predictions = with(self.predictions, other.predictions);
        self.truncated = with(self.truncated, other.truncated);
        self.cached = with(self.cached, other.cached);
        self.tokens = with(self.tokens, other.tokens);
        self.confident = with(self.confident, other.confident);
        self.confidence_sum = with(self.confidence_sum, other.confidence_sum);
        for (bin, other) in self.confidence_histogram.iter_mut().zip(other.confidence_histogram) {
            *bin = with(*bin, other);
        }
        for (bin, other) in self.length_histogram.iter_mut().zip(other.length_histogram) {
            *bin = with(*bin, other);
        }
    }
}

impl RollupKey {
    /// Returns the keys under which a prediction counts: one without a dimension, and one for each value in `values`.
    pub fn all_of<'f>(
        tenant: &'f TenantId,
        facts: &'f PredictionFacts,
        values: impl IntoIterator<Item = DimensionValue> + 'f,
    ) -> impl Iterator<Item = Self> + 'f {
        let dimensions = std::iter::once(None).chain(values.into_iter().map(Some));
        dimensions.map(|dimension| Self {
            tenant: tenant.clone(),
            dimension,
            sentiment: facts.sentiment,
            bucket: Bucket::containing(facts.created_at),
            model_name: facts.model.name().to_owned(),
            model_revision: facts.model.revision().to_owned(),
        })
    }

    /// Returns the model.
    pub fn model(&self) -> ModelRef {
        ModelRef::new(&*self.model_name, &*self.model_revision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value_objects::{DimensionValues, Usage};

    fn facts(confidence: Option<f32>, tokens: u32) -> PredictionFacts {
        PredictionFacts {
            created_at: Timestamp::from_micros(0),
            model: ModelRef::new("m", "r"),
            sentiment: None,
            confidence: confidence
                .map(|value| Confidence::try_new("confidence", value).expect("a confidence")),
            usage: Usage { tokens, windows: 1, truncated: true },
            cached: true,
            dimensions: DimensionValues::default(),
        }
    }

    #[test]
    fn an_instant_belongs_to_the_quarter_of_an_hour_that_contains_it() {
        let quarter = 900_000_000;
        for (micros, start) in [(0, 0), (quarter - 1, 0), (quarter, quarter), (-1, -quarter), (1, 0)] {
            let bucket = Bucket::containing(Timestamp::from_micros(micros));
            assert_eq!(bucket.start().as_micros(), start, "{micros}");
        }
        let bucket = Bucket::containing(Timestamp::from_micros(-1));
        assert_eq!(bucket.day(), -1);
        assert_eq!(bucket.later(2).start().as_micros(), quarter);
        assert_eq!(bucket.later(2).earlier(2), bucket);
    }

    #[test]
    fn bins_have_their_lower_bound_and_not_their_upper_one() {
        let bin = |confidence| {
            let rollup = Rollup::of(&facts(Some(confidence), 0));
            rollup.confidence_histogram.iter().position(|&count| count == 1)
        };
        assert_eq!(bin(0.0), Some(0));
        assert_eq!(bin(0.049_999), Some(0));
        assert_eq!(bin(0.5), Some(10));
        assert_eq!(bin(0.999_999), Some(19));
        assert_eq!(bin(1.0), Some(19));
        let length = |tokens| {
            let rollup = Rollup::of(&facts(None, tokens));
            rollup.length_histogram.iter().position(|&count| count == 1)
        };
        let lengths = [0, 1, 2, 3, 4, 16_383, 16_384, u32::MAX].map(length);
        assert_eq!(lengths, [0, 1, 2, 2, 3, 14, 15, 15].map(Some));
    }

    #[test]
    fn what_was_added_can_be_subtracted() {
        let mut sum = Rollup::default();
        for (confidence, tokens) in [(None, 3), (Some(0.1), 0), (Some(1.0), 700)] {
            sum.add(&Rollup::of(&facts(confidence, tokens)));
        }
        assert_eq!((sum.predictions, sum.confident, sum.tokens), (3, 2, 703));
        assert_eq!(sum.confidence_sum, 1_100_000_001);
        for (confidence, tokens) in [(Some(1.0), 700), (None, 3), (Some(0.1), 0)] {
            sum.subtract(&Rollup::of(&facts(confidence, tokens)));
        }
        assert!(sum.is_zero());
    }
}
