use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::{HttpRequest, HttpResponse};
use application::action::panic_message;
use application::use_cases::time_limits::SINGLE;
use futures_util::FutureExt;
use metrics::counter;
use tokio::time::timeout;

use crate::body_memory::{Reservation, ReservedBody};
use crate::extractors::ClientTimeout;
use crate::problem::{Problem, ProblemCode};

pub(crate) const INTERNAL_ERRORS_TOTAL: &str = "undertone_internal_errors_total";

/// Runs a controller's action and returns its response, or its problem as a response.
///
/// A panic would close the connection without a response; here it becomes a 500.
pub(crate) async fn respond(
    request: &HttpRequest,
    action: impl Future<Output = Result<HttpResponse, Problem>>,
) -> HttpResponse {
    // Unwind safe: no state of the action is used after a panic.
    let outcome = AssertUnwindSafe(action).catch_unwind().await;
    match outcome {
        Ok(Ok(response)) => reserved(response),
        Ok(Err(problem)) => {
            if problem.code() == ProblemCode::Internal {
                counter!(INTERNAL_ERRORS_TOTAL).increment(1);
            }
            problem.respond(request)
        }
        Err(panic) => {
            report_panic(request.match_pattern().as_deref(), panic.as_ref());
            Problem::new(ProblemCode::Internal).respond(request)
        }
    }
}

/// Runs the action of a controller that reads, within the time that its route and its client allow, and returns its
/// response as [`respond`] does.
pub(crate) async fn respond_in_time(
    request: &HttpRequest,
    action: impl Future<Output = Result<HttpResponse, Problem>>,
) -> HttpResponse {
    respond_within(request, SINGLE, action).await
}

/// Does what [`respond_in_time`] does, on a route that allows `route`.
pub(crate) async fn respond_within(
    request: &HttpRequest,
    route: Duration,
    action: impl Future<Output = Result<HttpResponse, Problem>>,
) -> HttpResponse {
    let in_time = async {
        let allowed = ClientTimeout::read(request)?.within(route);
        timeout(allowed, action).await.unwrap_or_else(|_elapsed| {
            let allowed_ms = allowed.as_millis() as u64;
            // Not an error: a client may shorten the time at will.
            tracing::debug!(path = request.match_pattern(), allowed_ms, "a read did not end in time");
            Err(Problem::new(ProblemCode::DeadlineExceeded))
        })
    };
    respond(request, in_time).await
}

/// Logs and counts a panic in the controller of `route`.
pub(crate) fn report_panic(route: Option<&str>, panic: &(dyn Any + Send)) {
    counter!(INTERNAL_ERRORS_TOTAL).increment(1);
    tracing::error!(path = route, panic = panic_message(panic), "a controller panicked");
}

/// Moves the reservation that the controller made for the response into its body, which holds it until it is sent.
fn reserved(mut response: HttpResponse) -> HttpResponse {
    let reservation = response.extensions_mut().remove::<Reservation>();
    let Some(reservation) = reservation else { return response };
    response.map_body(|_, body| match body.try_into_bytes() {
        Ok(bytes) => ReservedBody::new(bytes, reservation).boxed(),
        Err(body) => body,
    })
}
