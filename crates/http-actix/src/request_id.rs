use std::rc::Rc;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpMessage, HttpRequest};
use uuid::Uuid;

/// The header that carries the id, in requests and responses.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request, by which it is found in logs and in the problems that clients report.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(Rc<str>);

impl RequestId {
    /// The most characters of an id that a client chose.
    const MAX_CHARS: usize = 128;

    /// Returns the id of `request`; empty only where the middleware that sets it does not run.
    pub(crate) fn of(request: &HttpRequest) -> Rc<str> {
        request.extensions().get::<Self>().map_or_else(|| Rc::from(""), |id| Rc::clone(&id.0))
    }

    /// Accepts the client's id where it is well formed, and so safe to log; generates one otherwise.
    pub(crate) fn accept_or_generate(sent: Option<&HeaderValue>) -> Self {
        let sent = sent.and_then(|value| value.to_str().ok()).filter(|id| Self::is_well_formed(id));
        Self(sent.map_or_else(|| Rc::from(Uuid::now_v7().to_string()), Rc::from))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    fn is_well_formed(id: &str) -> bool {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        (1..=Self::MAX_CHARS).contains(&id.len()) && id.bytes().all(allowed)
    }
}
