//! A plain client of the API.

use std::time::Duration;

use serde_json::{Value, json};
use ureq::http::{HeaderMap, Request, Response};
use ureq::{Agent, RequestBuilder};

/// A response of the service.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    /// The `Cache-Status` header.
    pub(crate) cache_status: Option<String>,
    /// Whether the service asked to end the connection.
    pub(crate) closes: bool,
    headers: HeaderMap,
}

impl Answer {
    /// Returns the header `name`.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// The longest that a client waits: far longer than every timeout of the service, so that a hang fails the test.
const HANG: Duration = Duration::from_secs(40);

#[derive(Clone)]
pub(crate) struct Api {
    agent: Agent,
    base: String,
    /// The API key or token that requests carry.
    credential: Option<String>,
}

impl Api {
    pub(crate) fn at(address: &str) -> Self {
        let config =
            Agent::config_builder().timeout_global(Some(HANG)).http_status_as_error(false).proxy(None);
        Self { agent: config.build().new_agent(), base: format!("http://{address}"), credential: None }
    }

    /// Returns a client of the same service with connections of its own.
    pub(crate) fn another(&self) -> Self {
        Self { agent: Self::at("").agent, ..self.clone() }
    }

    /// Returns this client with an API key or a token.
    pub(crate) fn with_credential(&self, credential: &str) -> Self {
        Self { credential: Some(credential.to_owned()), ..self.clone() }
    }

    /// Adds the credential to a request.
    fn authorized<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        match &self.credential {
            Some(credential) => request.header("authorization", format!("Bearer {credential}")),
            None => request,
        }
    }

    pub(crate) fn predict(&self, text: &str) -> Result<Answer, ureq::Error> {
        self.post("/api/v1/predictions", &json!({ "text": text }))
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Answer, ureq::Error> {
        self.authorized(self.agent.post(format!("{}{path}", self.base))).send_json(body).map(answer)
    }

    /// Sends `body`, byte by byte as it is displayed, with these headers.
    pub(crate) fn post_with(
        &self,
        path: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Result<Answer, ureq::Error> {
        let request = self.authorized(self.agent.post(format!("{}{path}", self.base)));
        let request = request.content_type("application/json");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.send(body.to_string()).map(answer)
    }

    /// Sends a GET with these headers.
    pub(crate) fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Result<Answer, ureq::Error> {
        let request = self.authorized(self.agent.get(format!("{}{path}", self.base)));
        headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value))
            .call()
            .map(answer)
    }

    pub(crate) fn get(&self, path: &str) -> Result<Answer, ureq::Error> {
        self.authorized(self.agent.get(format!("{}{path}", self.base))).call().map(answer)
    }

    pub(crate) fn delete(&self, path: &str) -> Result<Answer, ureq::Error> {
        self.authorized(self.agent.delete(format!("{}{path}", self.base))).call().map(answer)
    }

    /// Sends lines and returns those of the response.
    pub(crate) fn post_lines(&self, path: &str, lines: &str) -> Vec<Value> {
        let request = self.authorized(self.agent.post(format!("{}{path}", self.base)));
        let request = request.content_type("application/x-ndjson");
        let mut response = request.send(lines).expect("answered");
        assert_eq!(response.status(), 200);
        let text = response.body_mut().read_to_string().expect("read");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    pub(crate) fn text(&self, path: &str) -> String {
        let request = self.authorized(self.agent.get(format!("{}{path}", self.base)));
        let mut response = request.call().expect("answered");
        response.body_mut().read_to_string().expect("read")
    }

    /// Returns the sum of the metric `name` over all its labels.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let page = self.text("/metrics");
        let of_name = page.lines().filter(|line| line.split([' ', '{']).next() == Some(name));
        of_name.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// Sends `body`, or none, of this media type.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<(&str, &str)>,
    ) -> Result<Answer, ureq::Error> {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        let request = match &self.credential {
            Some(credential) => request.header("authorization", format!("Bearer {credential}")),
            None => request,
        };
        match body {
            Some((media_type, body)) => {
                let request = request.header("content-type", media_type);
                self.agent.run(request.body(body.to_owned()).expect("a request")).map(answer)
            }
            None => self.agent.run(request.body(()).expect("a request")).map(answer),
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.get("/health/ready").is_ok_and(|answer| answer.status == 200)
    }

    /// Returns the stored prediction, which must exist.
    pub(crate) fn stored(&self, id: &str) -> Value {
        let answer = self.get(&format!("/api/v1/predictions/{id}")).expect("answered");
        assert_eq!(answer.status, 200, "{id}: {}", answer.body);
        answer.body
    }
}

fn answer(mut response: Response<ureq::Body>) -> Answer {
    let closes = response.headers().get("connection").is_some_and(|value| value == "close");
    let cache_status = response.headers().get("cache-status").and_then(|value| value.to_str().ok());
    let cache_status = cache_status.map(str::to_owned);
    let headers = response.headers().clone();
    let text = response.body_mut().read_to_string().unwrap_or_default();
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Answer { status: response.status().as_u16(), body, cache_status, closes, headers }
}

/// Asserts that the stored prediction is the returned one with its text.
pub(crate) fn assert_same(returned: &Value, stored: &Value, text: &str) {
    let mut with_text = returned.clone();
    with_text["text"] = Value::String(text.to_owned());
    assert_eq!(&with_text, stored);
}
