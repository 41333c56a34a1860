use actix_web::body::{MessageBody, to_bytes};
use actix_web::dev::ServiceResponse;
use actix_web::http::ConnectionType;
use actix_web::http::header::HeaderMap;
use actix_web::web::Bytes;
use serde_json::Value;

/// A response, read to its end.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
    /// Whether the connection closes after it.
    pub(crate) closes: bool,
    headers: HeaderMap,
}

/// Reads a response to its end.
pub(crate) async fn answer_of(response: ServiceResponse<impl MessageBody>) -> Answer {
    let status = response.status().as_u16();
    let closes = response.response().head().connection_type() == ConnectionType::Close;
    let headers = response.headers().clone();
    let body = to_bytes(response.into_body()).await;
    let body = body.unwrap_or_else(|_| panic!("the body ended early"));
    Answer { status, body, closes, headers }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {:?}", self.body))
    }

    /// Returns the status, code and field of a problem; panics if this is none.
    pub(crate) fn problem(&self) -> (u16, String, Option<String>) {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{:?}", self.body);
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        let code = problem["code"].as_str().unwrap().to_owned();
        assert_eq!(problem["type"], format!("urn:undertone:problem:{code}"));
        (self.status, code, problem["field"].as_str().map(str::to_owned))
    }
}
