use crate::value_objects::{Confidence, PredictionResult, Sentiment, SentimentScores};

/// The position of a part of a text, in characters (Unicode scalar values) from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextSpan {
    /// The first character.
    pub start: u32,
    /// The character after the last one.
    pub end: u32,
}

/// The classification result of one sentence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SentenceResult {
    /// The sentence's position in the text.
    pub span: TextSpan,
    /// The sentiment; none where the model has no mapping to sentiments.
    pub sentiment: Option<Sentiment>,
    /// The probability of the sentiment, or of the best label where none is mapped to one.
    pub confidence: Option<Confidence>,
    /// The probabilities of the three sentiments.
    pub scores: SentimentScores,
}

impl SentenceResult {
    /// Makes the result of the sentence at `span`.
    pub fn new(span: TextSpan, result: &PredictionResult) -> Self {
        Self { span, sentiment: result.sentiment(), confidence: result.confidence(), scores: result.scores() }
    }
}
