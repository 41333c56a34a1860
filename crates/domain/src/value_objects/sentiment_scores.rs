use crate::policies::choose_label;
use crate::value_objects::{LabelSet, Sentiment};

/// The probabilities of the three sentiments, each the sum over the labels that are mapped to it; none for a sentiment
/// that no label of the model is mapped to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SentimentScores {
    /// Of [`Sentiment::Negative`].
    pub negative: Option<f32>,
    /// Of [`Sentiment::Neutral`].
    pub neutral: Option<f32>,
    /// Of [`Sentiment::Positive`].
    pub positive: Option<f32>,
}

impl SentimentScores {
    /// Returns the probability of `sentiment`.
    pub fn of(&self, sentiment: Sentiment) -> Option<f32> {
        match sentiment {
            Sentiment::Negative => self.negative,
            Sentiment::Neutral => self.neutral,
            Sentiment::Positive => self.positive,
            Sentiment::Mixed => None,
        }
    }

    /// Adds up the scores of the labels of each sentiment. Sums above 1, which independent probabilities may have,
    /// count as 1. Labels of [`Sentiment::Mixed`] are in no sum.
    pub(crate) fn add_up(labels: &LabelSet, scores: &[f32]) -> Self {
        let mut sums = Self::default();
        for (label, score) in labels.labels().iter().zip(scores) {
            let sum = match label.sentiment {
                Some(Sentiment::Negative) => &mut sums.negative,
                Some(Sentiment::Neutral) => &mut sums.neutral,
                Some(Sentiment::Positive) => &mut sums.positive,
                Some(Sentiment::Mixed) | None => continue,
            };
            *sum = Some((sum.unwrap_or(0.0) + score).min(1.0));
        }
        sums
    }

    /// Returns the sentiment of the highest sum, the first of equal ones; none where there is no sum.
    pub(crate) fn best(&self) -> Option<(Sentiment, f32)> {
        let of = |sentiment| self.of(sentiment).map(|score| (sentiment, score));
        let known: Vec<_> = [Sentiment::Negative, Sentiment::Neutral, Sentiment::Positive]
            .into_iter()
            .filter_map(of)
            .collect();
        let scores: Vec<f32> = known.iter().map(|(_, score)| *score).collect();
        choose_label(&scores).map(|best| known[best])
    }
}
