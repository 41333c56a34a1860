use std::rc::Rc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest};
use uuid::Uuid;

/// The header that carries the id, both ways.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The name under which a request is found in logs, and in problems that callers report.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(Rc<str>);

impl RequestId {
    /// The most characters of an id that a caller chose.
    const MAX_CHARS: usize = 128;

    /// The id of `request`; empty only where the middleware does not run.
    pub(crate) fn of(request: &HttpRequest) -> Rc<str> {
        request.extensions().get::<Self>().map_or_else(|| Rc::from(""), |id| Rc::clone(&id.0))
    }

    /// The caller's own id where it is well formed, so that it can go into a log as it is; else a new one.
    fn choose(sent: Option<&HeaderValue>) -> Self {
        let sent = sent.and_then(|value| value.to_str().ok()).filter(|id| Self::is_well_formed(id));
        Self(sent.map_or_else(|| Rc::from(Uuid::now_v7().to_string()), Rc::from))
    }

    fn is_well_formed(id: &str) -> bool {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        (1..=Self::MAX_CHARS).contains(&id.len()) && id.bytes().all(allowed)
    }
}

/// Gives the request its id, and the response the same.
pub(crate) async fn request_id(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let id = RequestId::choose(request.headers().get(X_REQUEST_ID));
    request.extensions_mut().insert(id.clone());
    let mut response = next.call(request).await?;
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    Ok(response)
}
