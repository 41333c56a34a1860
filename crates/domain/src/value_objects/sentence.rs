use crate::value_objects::{Confidence, PredictionResult, Sentiment, SentimentScores};

/// Where a part of a text stands, in characters (Unicode scalar values), counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextSpan {
    /// Its first character.
    pub start: u32,
    /// The character behind its last.
    pub end: u32,
}

/// What was found out about one sentence of a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SentenceResult {
    /// Where it stands.
    pub span: TextSpan,
    /// Its sentiment; none where the model has no mapping to sentiments.
    pub sentiment: Option<Sentiment>,
    /// The chosen label's probability.
    pub confidence: Option<Confidence>,
    /// The probabilities of the three sentiments.
    pub scores: SentimentScores,
}

impl SentenceResult {
    /// The sentence at `span`, of which the model said `result`.
    pub fn new(span: TextSpan, result: &PredictionResult) -> Self {
        Self { span, sentiment: result.sentiment(), confidence: result.confidence(), scores: result.scores() }
    }
}
