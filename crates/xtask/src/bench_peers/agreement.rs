use anyhow::ensure;

use crate::bench::client::{Client, Prediction};
use crate::bench::corpus::Corpus;

/// Undertone's predictions for some texts: a peer must agree with them before it is measured.
#[derive(Debug)]
pub(super) struct Expected {
    texts: Vec<String>,
    predictions: Vec<Prediction>,
}

const TEXTS: usize = 100;

/// The margin of the highest score from which a peer must agree. Quantized models differ in closer cases.
const CLEAR: f64 = 0.5;

impl Expected {
    /// Predicts the texts with Undertone.
    pub(super) fn of_undertone(server: &str, corpus: &Corpus) -> anyhow::Result<Self> {
        let texts = corpus.first(TEXTS).to_vec();
        let predictions = predict(server, &texts)?;
        Ok(Self { texts, predictions })
    }

    /// Compares a peer's predictions and describes how many labels are equal.
    ///
    /// # Errors
    /// When a label differs where Undertone's is clear.
    pub(super) fn check(&self, server: &str) -> anyhow::Result<String> {
        self.compare(&predict(server, &self.texts)?)
    }

    fn compare(&self, peers: &[Prediction]) -> anyhow::Result<String> {
        let mut same = 0;
        for (number, (ours, theirs)) in self.predictions.iter().zip(peers).enumerate() {
            if ours.sentiment == theirs.sentiment {
                same += 1;
                continue;
            }
            ensure!(
                ours.margin < CLEAR,
                "text {} is clearly {} for Undertone and {} for the peer: they compute different things",
                number + 1,
                ours.sentiment,
                theirs.sentiment
            );
        }
        Ok(format!("{same} of {} labels are equal, including all clear ones", self.predictions.len()))
    }
}

fn predict(server: &str, texts: &[String]) -> anyhow::Result<Vec<Prediction>> {
    let client = Client::new(server);
    texts.iter().map(|text| client.predict(text)).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    fn prediction(sentiment: &str, margin: f64) -> Prediction {
        Prediction { id: None, sentiment: sentiment.to_owned(), margin, tokens: None }
    }

    #[test]
    fn a_peer_may_differ_only_where_scores_are_close() {
        let texts = vec!["a".to_owned(), "b".to_owned()];
        let predictions = vec![prediction("positive", 0.9), prediction("neutral", 0.1)];
        let expected = Expected { texts, predictions };
        let close = [prediction("positive", 0.1), prediction("negative", 0.1)];
        assert!(expected.compare(&close).unwrap().starts_with("1 of 2"));
        let error = expected.compare(&[prediction("negative", 0.9), prediction("neutral", 0.9)]).unwrap_err();
        assert!(error.to_string().starts_with("text 1 is clearly positive"));
    }
}
