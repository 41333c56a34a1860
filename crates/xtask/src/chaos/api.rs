use std::time::Duration;

use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, Body, Error};

/// A client of the API on a port of the loopback interface. It never repeats a request.
#[derive(Debug)]
pub(super) struct Api {
    agent: Agent,
    base: String,
}

/// The outcome of a request as far as a client knows it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// 200 or 204, with the body.
    Success(String),
    /// 404.
    NotFound,
    /// 503: nothing was written, or the outcome of the write is unknown.
    Refused,
    /// No response, or an error of the load balancer: the outcome is unknown.
    Unknown,
    /// Any other response, which these requests must not get.
    Unexpected(String),
}

const PREDICTIONS: &str = "/api/v1/predictions";

impl Api {
    /// Creates a client of a port that waits for a response for at most `timeout`.
    pub(super) fn at(port: u16, timeout: Duration) -> Self {
        let config = Agent::config_builder().timeout_global(Some(timeout)).http_status_as_error(false);
        Self { agent: config.proxy(None).build().new_agent(), base: format!("http://127.0.0.1:{port}") }
    }

    pub(super) fn is_ready(&self) -> bool {
        matches!(self.at_path("/health/ready"), Reply::Success(_))
    }

    pub(super) fn predict(&self, item: &Value) -> Reply {
        self.post("", item)
    }

    pub(super) fn predict_batch(&self, batch: &Value) -> Reply {
        self.post("/batch", batch)
    }

    fn post(&self, path: &str, body: &Value) -> Reply {
        reply(self.agent.post(format!("{}{PREDICTIONS}{path}", self.base)).send_json(body))
    }

    pub(super) fn get(&self, id: &str) -> Reply {
        self.at_path(&format!("{PREDICTIONS}/{id}"))
    }

    /// Requests a page of the history; `query` is the address's query string.
    pub(super) fn list(&self, query: &str) -> Reply {
        self.at_path(&format!("{PREDICTIONS}?{query}"))
    }

    pub(super) fn delete(&self, id: &str) -> Reply {
        reply(self.agent.delete(format!("{}{PREDICTIONS}/{id}", self.base)).call())
    }

    fn at_path(&self, path: &str) -> Reply {
        reply(self.agent.get(format!("{}{path}", self.base)).call())
    }
}

fn reply(response: Result<Response<Body>, Error>) -> Reply {
    let Ok(mut response) = response else { return Reply::Unknown };
    let status = response.status().as_u16();
    let body = response.body_mut().read_to_string();
    match (status, body) {
        (404, _) => Reply::NotFound,
        (503, _) => Reply::Refused,
        // The load balancer's errors for a response that broke off or took too long; a response whose body broke off.
        (502 | 504, _) | (200..=299, Err(_)) => Reply::Unknown,
        (200 | 204, Ok(body)) => Reply::Success(body),
        (_, body) => Reply::Unexpected(format!("{status} {}", body.unwrap_or_default())),
    }
}
