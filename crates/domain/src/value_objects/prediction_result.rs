use std::num::NonZeroU32;

use crate::policies::{choose_label, merge_windows, sentences_disagree};
use crate::value_objects::{
    Confidence, LabelSet, ModelOutput, PredictionOptions, ProblemType, ScoreFunction, SentenceResult,
    Sentiment, SentimentScores,
};

/// The classification result of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictionResult {
    sentiment: Option<Sentiment>,
    confidence: Option<Confidence>,
    scores: SentimentScores,
    labels: Vec<LabelScore>,
    top_k: Option<NonZeroU32>,
    sentences: Option<Vec<SentenceResult>>,
}

/// The score of one of the model's own labels.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelScore {
    /// The model's own name of the label.
    pub label: String,
    /// A probability, or a raw number where there are no probabilities.
    pub score: f32,
    /// The mean of the windows' logits, if requested.
    pub logit: Option<f32>,
}

impl PredictionResult {
    /// Makes the result of a model's output: applies the requested score function or that of the problem type, merges
    /// the windows by their tokens, adds up labels of the same sentiment and chooses the best.
    ///
    /// With [`ScoreFunction::None`] there are no probabilities: the sentiment is that of the highest logit whose label
    /// is mapped to one, and there is no confidence. A regression's outputs are not comparable and have no sentiment.
    pub fn from_output(output: &ModelOutput, options: &PredictionOptions) -> Self {
        let labels = output.labels.as_ref();
        let function = options.function.unwrap_or(labels.problem_type().default_function());
        let count = labels.labels().len();
        let merged = merge_windows(function, &output.windows, count);
        let logits = options.raw.then(|| merge_windows(ScoreFunction::None, &output.windows, count));
        let ranked = rank(labels, &merged, logits.as_deref());
        let result = if function == ScoreFunction::None {
            Self { sentiment: highest_sentiment(labels, &merged), ..Self::raw(ranked) }
        } else {
            Self::of_probabilities(labels, &merged, ranked)
        };
        Self { top_k: options.top_k, ..result }
    }

    fn of_probabilities(labels: &LabelSet, merged: &[f32], ranked: Vec<LabelScore>) -> Self {
        let scores = SentimentScores::add_up(labels, merged);
        let (sentiment, confidence) = if labels.is_mapped() {
            scores.best().map_or((None, None), |(sentiment, score)| (Some(sentiment), Some(score)))
        } else {
            (None, choose_label(merged).map(|best| merged[best]))
        };
        let confidence = confidence.map(Confidence::clamped);
        Self::restore(sentiment, confidence, scores, ranked)
    }

    /// Makes a result without sentiment and confidence from the model's raw numbers, best first.
    pub fn raw(labels: Vec<LabelScore>) -> Self {
        Self::restore(None, None, SentimentScores::default(), labels)
    }

    /// Restores a result from its stored parts.
    pub fn restore(
        sentiment: Option<Sentiment>,
        confidence: Option<Confidence>,
        scores: SentimentScores,
        labels: Vec<LabelScore>,
    ) -> Self {
        Self { sentiment, confidence, scores, labels, top_k: None, sentences: None }
    }

    /// Restores the number of labels to return and the sentences.
    pub fn restore_details(self, top_k: Option<NonZeroU32>, sentences: Option<Vec<SentenceResult>>) -> Self {
        Self { top_k, sentences, ..self }
    }

    /// Adds the results of the sentences. If [`sentences_disagree`], the text is [`Sentiment::Mixed`], without a
    /// confidence, since the model has no label for that.
    pub fn with_sentences(self, sentences: Vec<SentenceResult>) -> Self {
        let mixed = self.sentiment.is_some() && sentences_disagree(&sentences);
        let sentences = Some(sentences);
        if mixed {
            Self { sentiment: Some(Sentiment::Mixed), confidence: None, sentences, ..self }
        } else {
            Self { sentences, ..self }
        }
    }

    /// Returns the sentiment; none where the model has no mapping to sentiments.
    pub fn sentiment(&self) -> Option<Sentiment> {
        self.sentiment
    }

    /// Returns the probability of the sentiment, as in [`scores`](Self::scores), or that of the best label where none
    /// is mapped to a sentiment; none for raw numbers.
    pub fn confidence(&self) -> Option<Confidence> {
        self.confidence
    }

    /// Returns the probabilities of the three sentiments.
    pub fn scores(&self) -> SentimentScores {
        self.scores
    }

    /// Returns the scores of all labels, best first.
    pub fn labels(&self) -> &[LabelScore] {
        &self.labels
    }

    /// Returns the scores of the labels to return, best first.
    pub fn answered_labels(&self) -> &[LabelScore] {
        &self.labels[..self.answered_count()]
    }

    /// Returns the labels of [`answered_labels`](Self::answered_labels) and the sentences without a copy.
    pub fn into_answered(mut self) -> (Vec<LabelScore>, Option<Vec<SentenceResult>>) {
        self.labels.truncate(self.answered_count());
        (self.labels, self.sentences)
    }

    fn answered_count(&self) -> usize {
        self.top_k.map_or(self.labels.len(), |most| self.labels.len().min(most.get() as usize))
    }

    /// Returns the requested number of labels; none means all.
    pub fn top_k(&self) -> Option<NonZeroU32> {
        self.top_k
    }

    /// Returns the results of the sentences, if requested.
    pub fn sentences(&self) -> Option<&[SentenceResult]> {
        self.sentences.as_deref()
    }
}

/// Returns the sentiment of the highest of `numbers` whose label is mapped to one.
fn highest_sentiment(labels: &LabelSet, numbers: &[f32]) -> Option<Sentiment> {
    if labels.problem_type() == ProblemType::Regression {
        return None;
    }
    let mapped = labels.labels().iter().zip(numbers);
    let mapped: Vec<_> = mapped.filter_map(|(label, number)| Some((label.sentiment?, *number))).collect();
    let numbers: Vec<f32> = mapped.iter().map(|(_, number)| *number).collect();
    choose_label(&numbers).map(|best| mapped[best].0)
}

fn rank(labels: &LabelSet, scores: &[f32], logits: Option<&[f32]>) -> Vec<LabelScore> {
    let logit = |index: usize| logits.and_then(|logits| logits.get(index)).copied();
    let mut ranked: Vec<LabelScore> = labels
        .labels()
        .iter()
        .zip(scores)
        .enumerate()
        .map(|(index, (label, score))| LabelScore {
            label: label.name.clone(),
            score: *score,
            logit: logit(index),
        })
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

    fn from_output(output: &ModelOutput) -> PredictionResult {
        PredictionResult::from_output(output, &PredictionOptions::default())
    }

    #[test]
    fn a_mapped_model_gives_a_sentiment_and_its_probability() {
        let names = [
            ("neg", Some(Sentiment::Negative)),
            ("neu", Some(Sentiment::Neutral)),
            ("pos", Some(Sentiment::Positive)),
        ];
        let result = from_output(&output(ProblemType::SingleLabel, &names, &[0.0, 0.0, 2.0]));
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
        let result = from_output(&output(ProblemType::SingleLabel, &names, &[1.0, 1.0, 1.5]));
        assert_eq!(result.labels()[0].label, "5 stars");
        assert_eq!(result.sentiment(), Some(Sentiment::Negative));
        let sum = result.labels()[1].score + result.labels()[2].score;
        assert_eq!(result.scores().negative, Some(sum));
        assert_eq!(result.confidence().map(Confidence::value), Some(sum));
        assert_eq!(result.scores().neutral, None);
    }

    #[test]
    fn a_model_without_a_mapping_has_a_confidence_but_no_sentiment() {
        let result = from_output(&output(ProblemType::SingleLabel, &[("a", None), ("b", None)], &[0.0, 3.0]));
        assert_eq!(result.sentiment(), None);
        assert_eq!(result.confidence().map(Confidence::value), Some(result.labels()[0].score));
        assert_eq!(result.scores(), SentimentScores::default());
    }

    #[test]
    fn a_regression_gives_raw_numbers_only() {
        let result = from_output(&output(ProblemType::Regression, &[("stars", None)], &[4.2]));
        assert_eq!(result.labels(), [LabelScore { label: "stars".into(), score: 4.2, logit: None }]);
        assert_eq!((result.sentiment(), result.confidence()), (None, None));
    }

    fn mapped(logits: &[f32]) -> ModelOutput {
        let names = [("neg", Some(Sentiment::Negative)), ("pos", Some(Sentiment::Positive)), ("odd", None)];
        output(ProblemType::SingleLabel, &names, logits)
    }

    #[test]
    fn without_a_function_the_scores_are_the_logits() {
        let options = PredictionOptions { function: Some(ScoreFunction::None), ..Default::default() };
        let result = PredictionResult::from_output(&mapped(&[-1.0, 2.5, 7.0]), &options);
        let scores: Vec<_> =
            result.labels().iter().map(|label| (label.label.as_str(), label.score)).collect();
        assert_eq!(scores, [("odd", 7.0), ("pos", 2.5), ("neg", -1.0)]);
        assert_eq!((result.sentiment(), result.confidence()), (Some(Sentiment::Positive), None));
        assert_eq!(result.scores(), SentimentScores::default());
    }

    #[test]
    fn a_requested_function_overrides_that_of_the_problem_type() {
        let options = PredictionOptions { function: Some(ScoreFunction::Sigmoid), ..Default::default() };
        let result = PredictionResult::from_output(&mapped(&[0.0, 0.0, 0.0]), &options);
        assert!(result.labels().iter().all(|label| label.score.to_bits() == 0.5_f32.to_bits()));
    }

    #[test]
    fn logits_are_the_mean_of_the_windows_and_change_nothing_else() {
        let mut output = mapped(&[1.0, 0.0, 3.0]);
        output.windows.push(WindowOutput { logits: vec![5.0, 4.0, 3.0], tokens: 1 });
        let raw =
            PredictionResult::from_output(&output, &PredictionOptions { raw: true, ..Default::default() });
        let logit = |name: &str| raw.labels().iter().find(|label| label.label == name).and_then(|l| l.logit);
        assert_eq!((logit("neg"), logit("pos"), logit("odd")), (Some(2.0), Some(1.0), Some(3.0)));
        let plain = from_output(&output);
        assert_eq!((raw.scores(), raw.confidence()), (plain.scores(), plain.confidence()));
        assert!(plain.labels().iter().all(|label| label.logit.is_none()));
    }

    #[test]
    fn the_best_labels_are_answered_and_all_are_stored() {
        for (top_k, answered) in [(1, 1), (2, 2), (3, 3), (9, 3)] {
            let options = PredictionOptions { top_k: NonZeroU32::new(top_k), ..Default::default() };
            let result = PredictionResult::from_output(&mapped(&[1.0, 2.0, 3.0]), &options);
            assert_eq!(result.answered_labels(), &result.labels()[..answered]);
            assert_eq!(result.clone().into_answered().0, result.answered_labels());
            assert_eq!(result.labels().len(), 3);
        }
    }

    #[test]
    fn a_text_whose_strong_sentences_disagree_is_mixed_without_a_confidence() {
        let span = crate::value_objects::TextSpan { start: 0, end: 1 };
        let classified = |logits: &[f32]| from_output(&mapped(logits));
        let sentence = |logits: &[f32]| SentenceResult::new(span, &classified(logits));
        let (negative, positive) = (sentence(&[9.0, 0.0, 0.0]), sentence(&[0.0, 9.0, 0.0]));
        let plain = classified(&[2.0, 1.0, 0.0]);
        let mixed = plain.clone().with_sentences(vec![negative, positive]);
        assert_eq!((mixed.sentiment(), mixed.confidence()), (Some(Sentiment::Mixed), None));
        assert_eq!((mixed.scores(), mixed.labels()), (plain.scores(), plain.labels()));
        let alike = plain.clone().with_sentences(vec![negative, negative]);
        assert_eq!((alike.sentiment(), alike.confidence()), (plain.sentiment(), plain.confidence()));
    }
}
