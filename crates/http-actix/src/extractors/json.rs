use std::time::{Duration, Instant};

use actix_web::HttpRequest;
use actix_web::web::{Bytes, Payload};
use serde::de::DeserializeSeed;
use serde_json::Deserializer;

use crate::access::revalidate;
use crate::body_memory::Reservation;
use crate::extractors::{JSON, Shape, Shaped, read_body, require_media_type};
use crate::problem::{Problem, ProblemCode};
use crate::state::ApiState;

/// Parses `json`, which is one JSON value, and stores what `shape` stores of it.
///
/// # Errors
/// `malformed_json`. The parser's message names a position and a rule of the grammar, never the input.
pub(super) fn parse_json(json: &[u8], shape: Shape) -> Result<Shaped, Problem> {
    let mut deserializer = Deserializer::from_slice(json);
    let value = shape.deserialize(&mut deserializer);
    let value = value.and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| Problem::new(ProblemCode::MalformedJson).detail(error.to_string()))
}

/// The time after which a caller is checked again: a key that was revoked while its client sent the body slowly must
/// not be accepted any more.
const REVALIDATE_AFTER: Duration = Duration::from_millis(500);

/// A body, and when the whole of it had arrived.
#[derive(Debug)]
pub(crate) struct ArrivedBody {
    pub(crate) json: Bytes,
    pub(crate) at: Instant,
}

/// Reads a JSON body of at most `limit` bytes with `parse`; a large one is parsed away from the connections' threads.
/// The caller must hold the reservation while the value is in memory.
pub(crate) async fn read_json<T: Send + 'static>(
    request: &HttpRequest,
    payload: Payload,
    state: &ApiState,
    limit: usize,
    parse: impl FnOnce(&ArrivedBody) -> Result<T, Problem> + Send + 'static,
) -> Result<(T, Reservation), Problem> {
    require_media_type(request, JSON)?;
    let started = Instant::now();
    let (json, reservation) = read_body(request, payload, state, limit).await?;
    let body = ArrivedBody { json, at: Instant::now() };
    if started.elapsed() >= REVALIDATE_AFTER {
        revalidate(request, state).await?;
    }
    let length = body.json.len();
    // The reservation moves along: the work continues even if the client disconnects.
    state.offload.run(length, move || Ok((parse(&body)?, reservation))).await?
}
