use crate::policies::{choose_label, merge_windows};
use crate::value_objects::{Confidence, LabelSet, ModelOutput, ProblemType, Sentiment};

/// What was found out about a text.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictionResult {
    sentiment: Option<Sentiment>,
    confidence: Option<Confidence>,
    scores: SentimentScores,
    labels: Vec<LabelScore>,
}

/// The probabilities of those of the three sentiments that the model's labels map to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SentimentScores {
    /// Of [`Sentiment::Negative`].
    pub negative: Option<f32>,
    /// Of [`Sentiment::Neutral`].
    pub neutral: Option<f32>,
    /// Of [`Sentiment::Positive`].
    pub positive: Option<f32>,
}

/// One of the model's own outputs: a probability, or the raw number of a regression.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelScore {
    /// The model's own name for it.
    pub label: String,
    /// The number.
    pub score: f32,
}

impl PredictionResult {
    /// Reads a model's output by the domain's policies: activation by the problem type, windows merged by
    /// their tokens, the best label chosen, labels that share a sentiment added up.
    pub fn from_output(output: &ModelOutput) -> Self {
        let labels = output.labels.as_ref();
        let merged = merge_windows(labels.problem_type(), &output.windows, labels.labels().len());
        let ranked = rank(labels, &merged);
        if labels.problem_type() == ProblemType::Regression {
            return Self::raw(ranked);
        }
        let scores = SentimentScores::add_up(labels, &merged);
        let (sentiment, confidence) = if labels.is_mapped() {
            scores.best().map_or((None, None), |(sentiment, score)| (Some(sentiment), Some(score)))
        } else {
            (None, choose_label(&merged).map(|best| merged[best]))
        };
        Self { sentiment, confidence: confidence.map(Confidence::clamped), scores, labels: ranked }
    }

    /// A result without sentiment or confidence: the model's raw numbers, best first.
    pub fn raw(labels: Vec<LabelScore>) -> Self {
        Self { sentiment: None, confidence: None, scores: SentimentScores::default(), labels }
    }

    /// A result put together again from what a store kept.
    pub fn restore(
        sentiment: Option<Sentiment>,
        confidence: Option<Confidence>,
        scores: SentimentScores,
        labels: Vec<LabelScore>,
    ) -> Self {
        Self { sentiment, confidence, scores, labels }
    }

    /// The sentiment; none where the model has no mapping to sentiments.
    pub fn sentiment(&self) -> Option<Sentiment> {
        self.sentiment
    }

    /// The chosen label's probability; none for raw numbers.
    pub fn confidence(&self) -> Option<Confidence> {
        self.confidence
    }

    /// The probabilities of the three sentiments.
    pub fn scores(&self) -> SentimentScores {
        self.scores
    }

    /// The model's own outputs, best first.
    pub fn labels(&self) -> &[LabelScore] {
        &self.labels
    }
}

impl SentimentScores {
    /// The probability of `sentiment`; none where the mapping does not yield it.
    pub fn of(&self, sentiment: Sentiment) -> Option<f32> {
        match sentiment {
            Sentiment::Negative => self.negative,
            Sentiment::Neutral => self.neutral,
            Sentiment::Positive => self.positive,
            Sentiment::Mixed => None,
        }
    }

    fn add_up(labels: &LabelSet, scores: &[f32]) -> Self {
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

    fn best(&self) -> Option<(Sentiment, f32)> {
        let of = |sentiment| self.of(sentiment).map(|score| (sentiment, score));
        let known: Vec<_> = [Sentiment::Negative, Sentiment::Neutral, Sentiment::Positive]
            .into_iter()
            .filter_map(of)
            .collect();
        let scores: Vec<f32> = known.iter().map(|(_, score)| *score).collect();
        choose_label(&scores).map(|best| known[best])
    }
}

fn rank(labels: &LabelSet, scores: &[f32]) -> Vec<LabelScore> {
    let mut ranked: Vec<LabelScore> = labels
        .labels()
        .iter()
        .zip(scores)
        .map(|(label, score)| LabelScore { label: label.name.clone(), score: *score })
        .collect();
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score));
    ranked
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::value_objects::{ModelLabel, ModelRef, Usage, WindowOutput};

    fn output(problem_type: ProblemType, names: &[(&str, Option<Sentiment>)], logits: &[f32]) -> ModelOutput {
        let labels = names
            .iter()
            .map(|(name, sentiment)| ModelLabel { name: (*name).to_owned(), sentiment: *sentiment })
            .collect();
        ModelOutput {
            windows: vec![WindowOutput { logits: logits.to_vec(), tokens: 3 }],
            usage: Usage { tokens: 3, windows: 1, truncated: false },
            model: Arc::new(ModelRef::new("m", "r")),
            labels: Arc::new(LabelSet::new(problem_type, labels)),
            cached: false,
        }
    }

    #[test]
    fn a_mapped_model_gives_a_sentiment_and_its_probability() {
        let names = [
            ("neg", Some(Sentiment::Negative)),
            ("neu", Some(Sentiment::Neutral)),
            ("pos", Some(Sentiment::Positive)),
        ];
        let result =
            PredictionResult::from_output(&output(ProblemType::SingleLabel, &names, &[0.0, 0.0, 2.0]));
        assert_eq!(result.sentiment(), Some(Sentiment::Positive));
        assert_eq!(result.confidence().map(Confidence::value), result.scores().positive);
        assert_eq!(result.labels()[0].label, "pos");
        let sum: f32 = result.labels().iter().map(|label| label.score).sum();
        assert!((sum - 1.0).abs() < 1e-6);
    }

    #[test]
    fn labels_that_share_a_sentiment_are_added_up() {
        let names = [
            ("1 star", Some(Sentiment::Negative)),
            ("2 stars", Some(Sentiment::Negative)),
            ("5 stars", Some(Sentiment::Positive)),
        ];
        let result =
            PredictionResult::from_output(&output(ProblemType::SingleLabel, &names, &[1.0, 1.0, 1.5]));
        assert_eq!(result.labels()[0].label, "5 stars");
        assert_eq!(result.sentiment(), Some(Sentiment::Negative));
        assert_eq!(result.scores().neutral, None);
    }

    #[test]
    fn a_model_without_a_mapping_has_a_confidence_but_no_sentiment() {
        let result = PredictionResult::from_output(&output(
            ProblemType::SingleLabel,
            &[("a", None), ("b", None)],
            &[0.0, 3.0],
        ));
        assert_eq!(result.sentiment(), None);
        assert_eq!(result.confidence().map(Confidence::value), Some(result.labels()[0].score));
        assert_eq!(result.scores(), SentimentScores::default());
    }

    #[test]
    fn a_regression_gives_raw_numbers_only() {
        let result =
            PredictionResult::from_output(&output(ProblemType::Regression, &[("stars", None)], &[4.2]));
        assert_eq!(result.labels(), [LabelScore { label: "stars".into(), score: 4.2 }]);
        assert_eq!((result.sentiment(), result.confidence()), (None, None));
    }
}
