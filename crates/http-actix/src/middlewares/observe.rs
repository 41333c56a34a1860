use std::time::Instant;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use tracing::Span;

use crate::body_memory::{BODY_MEMORY_BYTES, BODY_MEMORY_REFUSED_TOTAL};
use crate::controllers::INTERNAL_ERRORS_TOTAL;
use crate::middlewares::authenticate::AUTHENTICATIONS_REFUSED_TOTAL;
use crate::middlewares::guarded_body::GuardedBody;
use crate::middlewares::span_content::traces_clients;

const REQUESTS_TOTAL: &str = "http_requests_total";
const REQUEST_DURATION: &str = "http_request_duration_seconds";
const REQUESTS_ACTIVE: &str = "http_requests_active";

/// The label of paths without a route: clients choose them, so they must not become labels themselves.
const UNMATCHED: &str = "unmatched";

/// The status of a request whose client disconnected before the response began: nginx's number, for metrics and logs.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// Describes the metrics of this crate to the recorder; to be called once, after the recorder is installed.
pub fn describe_http_metrics() {
    describe_counter!(REQUESTS_TOTAL, "Requests that ended, by method, route pattern and status.");
    describe_histogram!(
        REQUEST_DURATION,
        Unit::Seconds,
        "Time from a request's head to the end of its response, by method and route pattern."
    );
    describe_gauge!(REQUESTS_ACTIVE, "Requests in progress.");
    describe_gauge!(
        BODY_MEMORY_BYTES,
        Unit::Bytes,
        "Memory taken by the bodies of requests and responses, without the first 16 KiB of each."
    );
    describe_counter!(
        BODY_MEMORY_REFUSED_TOTAL,
        "Bodies refused because the limit on their memory was reached."
    );
    describe_counter!(
        AUTHENTICATIONS_REFUSED_TOTAL,
        "Requests whose caller was not authenticated, by reason."
    );
    describe_counter!(
        INTERNAL_ERRORS_TOTAL,
        "Internal errors (status 500, code internal), each logged once."
    );
}

/// Counts every request, and logs one line about each when its response is sent.
pub(crate) async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<GuardedBody<Observation>>, Error> {
    if traces_clients(&request) {
        Span::current().record("path", request.path());
    }
    let mut observation = Observation::begin(method_label(request.method()), endpoint_label(&request));
    let response = next.call(request).await?;
    observation.status = response.status().as_u16();
    Ok(response.map_body(|_, body| GuardedBody::new(body, observation)))
}

/// A request in progress. Dropping it records the end of the request, however it ended.
pub(crate) struct Observation {
    method: &'static str,
    endpoint: String,
    started: Instant,
    status: u16,
    /// The request's span, which the last log line belongs to.
    span: Span,
}

impl Observation {
    fn begin(method: &'static str, endpoint: String) -> Self {
        gauge!(REQUESTS_ACTIVE).increment(1.0);
        let (started, span) = (Instant::now(), Span::current());
        Self { method, endpoint, started, status: CLIENT_CLOSED_REQUEST, span }
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        let duration = self.started.elapsed();
        let (method, endpoint, status) = (self.method, self.endpoint.as_str(), self.status);
        gauge!(REQUESTS_ACTIVE).decrement(1.0);
        histogram!(REQUEST_DURATION, "method" => method, "endpoint" => endpoint.to_owned())
            .record(duration.as_secs_f64());
        counter!(
            REQUESTS_TOTAL,
            "method" => method, "endpoint" => endpoint.to_owned(), "status_code" => status.to_string()
        )
        .increment(1);
        let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        if status == CLIENT_CLOSED_REQUEST {
            self.span.record("status_code", status);
        }
        self.span.in_scope(|| {
            tracing::info!(
                target: "undertone::http",
                status_code = status, duration_ms,
                "{method} {endpoint} {status} in {duration_ms} ms"
            );
        });
    }
}

/// Returns the route's pattern as a label.
pub(super) fn endpoint_label(request: &ServiceRequest) -> String {
    request.match_pattern().unwrap_or_else(|| UNMATCHED.to_owned())
}

/// Returns the method as a label: `OTHER` for methods that a client invented.
pub(super) fn method_label(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("OTHER")
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "a test that cannot go on should stop")]
mod tests {
    use super::*;

    #[test]
    fn invented_methods_share_one_label() {
        assert_eq!(method_label(&Method::PATCH), "PATCH");
        let invented = Method::from_bytes(b"BREW").expect("a method");
        assert_eq!(method_label(&invented), "OTHER");
    }
}
