use anyhow::ensure;

use crate::bench::client::{Answer, Client};
use crate::bench::corpus::Corpus;

/// What Undertone says about some texts: what a peer must say too before it is worth timing.
#[derive(Debug)]
pub(super) struct Expected {
    texts: Vec<String>,
    answers: Vec<Answer>,
}

const TEXTS: usize = 100;

/// Quantised models differ in close calls; where Undertone's best score leads by this much, a peer must agree.
const CLEAR: f64 = 0.5;

impl Expected {
    /// Asks Undertone.
    pub(super) fn ask(server: &str, corpus: &Corpus) -> anyhow::Result<Self> {
        let texts = corpus.first(TEXTS).to_vec();
        let answers = ask(server, &texts)?;
        Ok(Self { texts, answers })
    }

    /// Fails where a peer contradicts; else how many of the answers are the same, in words.
    pub(super) fn check(&self, server: &str) -> anyhow::Result<String> {
        self.compare(&ask(server, &self.texts)?)
    }

    fn compare(&self, answers: &[Answer]) -> anyhow::Result<String> {
        let mut same = 0;
        for (number, (ours, theirs)) in self.answers.iter().zip(answers).enumerate() {
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
        Ok(format!("{same} of {} labels are the same, and all that are clear", self.answers.len()))
    }
}

fn ask(server: &str, texts: &[String]) -> anyhow::Result<Vec<Answer>> {
    let client = Client::new(server);
    texts.iter().map(|text| client.predict(text)).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    fn answer(sentiment: &str, margin: f64) -> Answer {
        Answer { id: None, sentiment: sentiment.to_owned(), margin, tokens: None }
    }

    #[test]
    fn a_peer_may_differ_in_close_calls_only() {
        let texts = vec!["a".to_owned(), "b".to_owned()];
        let answers = vec![answer("positive", 0.9), answer("neutral", 0.1)];
        let expected = Expected { texts, answers };
        let close = [answer("positive", 0.1), answer("negative", 0.1)];
        assert!(expected.compare(&close).unwrap().starts_with("1 of 2"));
        let error = expected.compare(&[answer("negative", 0.9), answer("neutral", 0.9)]).unwrap_err();
        assert!(error.to_string().starts_with("text 1 is clearly positive"));
    }
}
