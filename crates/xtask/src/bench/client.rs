use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use ureq::Agent;

use super::load;

/// Single requests to the server under load, beside the load.
#[derive(Debug)]
pub(crate) struct Client {
    agent: Agent,
    server: String,
}

/// What a server says about a text.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) id: Option<String>,
    pub(crate) sentiment: String,
    /// By how much the best score leads the second.
    pub(crate) margin: f64,
    /// As the model reads the text, without special tokens.
    pub(crate) tokens: Option<u64>,
}

impl Client {
    /// A client of the server at a base address.
    pub(crate) fn new(server: &str) -> Self {
        let config = Agent::config_builder().http_status_as_error(false);
        let config = config.timeout_global(Some(Duration::from_mins(1)));
        Self { agent: config.build().into(), server: server.to_owned() }
    }

    /// Whether the server says that it is ready.
    pub(crate) fn is_ready(&self) -> bool {
        self.agent
            .get(format!("{}/health/ready", self.server))
            .call()
            .is_ok_and(|answer| answer.status() == 200)
    }

    /// The answer to one text.
    pub(crate) fn predict(&self, text: &str) -> anyhow::Result<Answer> {
        let route = load::route(&self.server);
        let mut response = self.agent.post(&route).send_json(json!({ "text": text }))?;
        let status = response.status();
        let body = response.body_mut().read_to_string()?;
        ensure!(status == 200, "POST {route} answered {status}: {body}");
        answer(&serde_json::from_str(&body)?).with_context(|| format!("POST {route} answered {body}"))
    }

    /// Fails where an answer that was given is not kept.
    pub(crate) fn ensure_kept(&self, text: &str) -> anyhow::Result<()> {
        let id = self.predict(text)?.id.context("the answer has no id")?;
        let kept = format!("{}/{id}", load::route(&self.server));
        let status = self.agent.get(&kept).call()?.status();
        ensure!(status == 200, "GET {kept} answered {status}: answers are not kept");
        Ok(())
    }
}

fn answer(body: &Value) -> Option<Answer> {
    let mut scores: Vec<f64> = body["scores"].as_object()?.values().filter_map(Value::as_f64).collect();
    scores.sort_by(|one, other| other.total_cmp(one));
    Some(Answer {
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
        let answer = answer(&body).unwrap();
        assert!((answer.margin - 0.5).abs() < 1e-9);
        assert_eq!((answer.id.as_deref(), answer.tokens), (Some("x"), Some(4)));
        assert!(super::answer(&json!({ "error": "no" })).is_none());
    }
}
