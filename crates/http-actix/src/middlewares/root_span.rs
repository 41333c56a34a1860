use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use tracing::{Span, field};
use tracing_actix_web::RootSpanBuilder;

use crate::middlewares::observe::{endpoint_label, method_label};
use crate::request_id::RequestId;

/// The span of one request, `http.request`, from the request's head to the last byte of the response's body; parent of
/// all spans of the request.
///
/// Fields: `request_id`; `method` and `endpoint` (the route's pattern), as the metrics label them; and `status_code`,
/// once it is known. Of what the client sent, only a well-formed request id is recorded; with
/// [`SpanContent::Client`](crate::SpanContent::Client) also `path`, without its query, and `caller`.
pub(crate) struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let request_id = RequestId::of(request.request());
        let method = method_label(request.method());
        let endpoint = endpoint_label(request);
        tracing::info_span!(
            "http.request",
            request_id = &*request_id,
            method,
            endpoint,
            status_code = field::Empty,
            path = field::Empty,
            caller = field::Empty
        )
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        if let Ok(response) = outcome {
            span.record("status_code", response.status().as_u16());
        }
    }
}
