use std::panic::AssertUnwindSafe;

use actix_web::{HttpRequest, HttpResponse};
use futures_util::FutureExt;

use crate::problem::{Problem, ProblemCode};

/// Runs a controller's action and answers with its response, or with the problem it failed with.
///
/// A panic would tear down the connection and leave the caller without a word: here it ends as a 503 instead, for
/// a bug is our failure and not the model's, and what went wrong once may well go right the next time.
pub(crate) async fn respond(
    request: &HttpRequest,
    action: impl Future<Output = Result<HttpResponse, Problem>>,
) -> HttpResponse {
    // Nothing that the action held is used after a panic, so that no broken invariant can be seen.
    let outcome = AssertUnwindSafe(action).catch_unwind().await.unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<&str>().copied();
        let words = words.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        tracing::error!(path = request.match_pattern(), panic = words, "a controller panicked");
        Err(Problem::new(ProblemCode::Unavailable))
    });
    outcome.unwrap_or_else(|problem| problem.respond(request))
}
