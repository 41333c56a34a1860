use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use ureq::Agent;

use super::load;

/// A client that sends single requests to the server under load.
#[derive(Debug)]
pub(crate) struct Client {
    agent: Agent,
    server: String,
}

/// A server's prediction for a text.
#[derive(Debug, Clone)]
pub(crate) struct Prediction {
    pub(crate) id: Option<String>,
    pub(crate) sentiment: String,
    /// The highest score minus the second highest.
    pub(crate) margin: f64,
    /// The text's tokens without special tokens, as the server counted them.
    pub(crate) tokens: Option<u64>,
}

impl Client {
    /// Creates a client of the server at a base address.
    pub(crate) fn new(server: &str) -> Self {
        let config = Agent::config_builder().http_status_as_error(false);
        let config = config.timeout_global(Some(Duration::from_mins(1)));
        Self { agent: config.build().into(), server: server.to_owned() }
    }

    /// Whether the server reports that it is ready.
    pub(crate) fn is_ready(&self) -> bool {
        self.agent
            .get(format!("{}/health/ready", self.server))
            .call()
            .is_ok_and(|response| response.status() == 200)
    }

    /// Returns the prediction for a text.
    pub(crate) fn predict(&self, text: &str) -> anyhow::Result<Prediction> {
        let route = load::route(&self.server);
        let mut response = self.agent.post(&route).send_json(json!({ "text": text }))?;
        let status = response.status();
        let body = response.body_mut().read_to_string()?;
        ensure!(status == 200, "POST {route} returned {status}: {body}");
        prediction(&serde_json::from_str(&body)?).with_context(|| format!("POST {route} returned {body}"))
    }

    /// Predicts a text and reads the prediction by its id.
    ///
    /// # Errors
    /// When the prediction is not stored.
    pub(crate) fn ensure_stored(&self, text: &str) -> anyhow::Result<()> {
        let id = self.predict(text)?.id.context("the prediction has no id")?;
        let stored = format!("{}/{id}", load::route(&self.server));
        let status = self.agent.get(&stored).call()?.status();
        ensure!(status == 200, "GET {stored} returned {status}: predictions are not stored");
        Ok(())
    }
}

fn prediction(body: &Value) -> Option<Prediction> {
    let mut scores: Vec<f64> = body["scores"].as_object()?.values().filter_map(Value::as_f64).collect();
    scores.sort_by(|one, other| other.total_cmp(one));
    Some(Prediction {
        id: body["id"].as_str().map(str::to_owned),
        sentiment: body["sentiment"].as_str()?.to_owned(),
        margin: scores.first()? - scores.get(1).copied().unwrap_or(0.0),
        tokens: body["usage"]["tokens"].as_u64(),
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn the_margin_is_between_the_two_best_scores() {
        let scores = json!({ "negative": 0.1, "neutral": 0.2, "positive": 0.7 });
        let body = json!({ "id": "x", "sentiment": "positive", "scores": scores, "usage": { "tokens": 4 } });
        let prediction = prediction(&body).unwrap();
        assert!((prediction.margin - 0.5).abs() < 1e-9);
        assert_eq!((prediction.id.as_deref(), prediction.tokens), (Some("x"), Some(4)));
        assert!(super::prediction(&json!({ "error": "no" })).is_none());
    }
}
