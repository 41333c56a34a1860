use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::{Bytes, BytesMut, Data, Payload};

use crate::body_memory::{BodyMemory, Reservation};
use crate::extractors::client_wait::{ClientTooSlow, ClientWait};
use crate::problem::{Problem, ProblemCode};
use crate::state::{ApiState, HttpSettings};

/// Reads the whole body, at most `limit` bytes of it, and waits for it no longer than the settings say; a body that
/// says beforehand that it is larger is not read.
///
/// Memory is reserved and taken for what has arrived, whatever was announced. The reservation is to be held for as long
/// as the body, or what was made of it, is in memory.
pub(crate) async fn read_body(
    request: &HttpRequest,
    mut payload: Payload,
    limit: usize,
    memory: &BodyMemory,
) -> Result<(Bytes, Reservation), Problem> {
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > limit) {
        return Err(too_large("the body", limit));
    }
    let mut reservation = memory.reserve();
    let mut body = BytesMut::new();
    let mut wait = ClientWait::at_most(timeout_of(request));
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

fn timeout_of(request: &HttpRequest) -> Duration {
    let state = request.app_data::<Data<ApiState>>();
    state.map_or_else(|| HttpSettings::default().body_timeout, |state| state.settings.body_timeout)
}

fn too_slow(ClientTooSlow: ClientTooSlow) -> Problem {
    Problem::new(ProblemCode::RequestTimeout)
}

pub(super) fn too_large(what: &str, limit: usize) -> Problem {
    Problem::new(ProblemCode::BodyTooLarge).detail(format!("{what} must be at most {limit} bytes long"))
}

/// What broke is the caller's connection: its words say nothing about us.
pub(super) fn incomplete(error: &PayloadError) -> Problem {
    tracing::debug!(%error, "the body could not be read");
    Problem::new(ProblemCode::IncompleteBody)
}
