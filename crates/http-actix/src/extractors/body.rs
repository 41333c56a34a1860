use actix_web::HttpRequest;
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::{Bytes, BytesMut, Payload};

use crate::body_memory::Reservation;
use crate::extractors::client_wait::{ClientTooSlow, ClientWait};
use crate::problem::{Problem, ProblemCode};
use crate::state::ApiState;

/// Reads the whole body, which must have at most `limit` bytes and arrive within the settings' `body_timeout`. A body
/// whose `Content-Length` is larger is not read.
///
/// Memory is reserved for the bytes that have arrived, not for those announced. The caller must hold the reservation
/// while the body, or the value parsed from it, is in memory.
///
/// `Payload::to_bytes_limited` would read the body without reserving memory chunk by chunk, and without leaving out of
/// the timeout the time that the service itself takes.
///
/// # Errors
/// `body_too_large`, `request_timeout`, `incomplete_body`; `saturated` where the limit on the memory for bodies is
/// reached.
pub(crate) async fn read_body(
    request: &HttpRequest,
    mut payload: Payload,
    state: &ApiState,
    limit: usize,
) -> Result<(Bytes, Reservation), Problem> {
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > limit) {
        return Err(too_large("the body", limit));
    }
    let mut reservation = state.body_memory.reserve();
    let mut body = BytesMut::new();
    let mut wait = ClientWait::at_most(state.settings.body_timeout);
    while let Some(chunk) = wait.next_chunk(&mut payload).await.map_err(too_slow)? {
        let chunk = chunk.map_err(|error| incomplete(&error))?;
        let length = body.len() + chunk.len();
        if length > limit {
            return Err(too_large("the body", limit));
        }
        reservation.grow_to(length)?;
        body.extend_from_slice(&chunk);
    }
    Ok((body.freeze(), reservation))
}

fn too_slow(ClientTooSlow: ClientTooSlow) -> Problem {
    Problem::new(ProblemCode::RequestTimeout)
}

pub(super) fn too_large(what: &str, limit: usize) -> Problem {
    Problem::new(ProblemCode::BodyTooLarge).detail(format!("{what} must be at most {limit} bytes long"))
}

/// The error is the connection's, not the service's, and its text is left to the log.
pub(super) fn incomplete(error: &PayloadError) -> Problem {
    tracing::debug!(%error, "cannot read a request's body");
    Problem::new(ProblemCode::IncompleteBody)
}
