//! The JSON in which a row holds its sentences.

use domain::value_objects::{Confidence, SentenceResult, Sentiment, SentimentScores, TextSpan};
use serde::{Deserialize, Serialize};

use crate::json::array;

/// A sentence as it is stored. Probabilities are the f64 of the same value, whose decimal digits give them back.
#[derive(Serialize, Deserialize)]
struct StoredSentence {
    start: u32,
    end: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    sentiment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    negative: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    neutral: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    positive: Option<f64>,
}

/// The array of `sentences`, in their order.
pub(crate) fn write_sentences(sentences: &[SentenceResult]) -> String {
    let stored: Vec<StoredSentence> = sentences.iter().map(StoredSentence::from).collect();
    array(&stored)
}

/// The sentences that [`write_sentences`] wrote; none where `json` is anything else.
pub(crate) fn read_sentences(json: &str) -> Option<Vec<SentenceResult>> {
    let stored: Vec<StoredSentence> = serde_json::from_str(json).ok()?;
    stored.into_iter().map(StoredSentence::read).collect()
}

impl From<&SentenceResult> for StoredSentence {
    fn from(sentence: &SentenceResult) -> Self {
        let SentenceResult { span, sentiment, confidence, scores } = sentence;
        Self {
            start: span.start,
            end: span.end,
            sentiment: sentiment.map(|sentiment| sentiment.as_str().to_owned()),
            confidence: confidence.map(Confidence::value).map(f64::from),
            negative: scores.negative.map(f64::from),
            neutral: scores.neutral.map(f64::from),
            positive: scores.positive.map(f64::from),
        }
    }
}

impl StoredSentence {
    fn read(self) -> Option<SentenceResult> {
        let sentiment = self.sentiment.map(|name| Sentiment::parse("sentiment", &name)).transpose();
        let confidence =
            self.confidence.map(|value| Confidence::try_new("confidence", value as f32)).transpose();
        let score = |score: Option<f64>| score.map(|score| score as f32);
        Some(SentenceResult {
            span: TextSpan { start: self.start, end: self.end },
            sentiment: sentiment.ok()?,
            confidence: confidence.ok()?,
            scores: SentimentScores {
                negative: score(self.negative),
                neutral: score(self.neutral),
                positive: score(self.positive),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_json_is_not_read() {
        for bad in [
            "",
            "{}",
            "[1]",
            "[{\"start\":0}]",
            "[{\"start\":-1,\"end\":2}]",
            "[{\"start\":0,\"end\":2,\"sentiment\":\"glad\"}]",
            "[{\"start\":0,\"end\":2,\"confidence\":1.5}]",
        ] {
            assert_eq!(read_sentences(bad), None, "{bad}");
        }
        assert_eq!(read_sentences("[]"), Some(Vec::new()));
    }
}
