use actix_web::HttpRequest;
use actix_web::web::Payload;
use serde::de::DeserializeSeed;
use serde_json::Deserializer;

use crate::body_memory::Reservation;
use crate::extractors::{JSON, Shape, Shaped, read_body, require_media_type};
use crate::problem::{Problem, ProblemCode};
use crate::state::ApiState;

/// What is read from a JSON value: first parsed as far as its shape stores it, then taken apart.
pub(crate) trait FromJson: Sized + Send + 'static {
    /// How much of the value is stored while it is parsed.
    const SHAPE: Shape;

    /// Takes the value apart, and refuses what is not allowed in it.
    fn read(value: Shaped) -> Result<Self, Problem>;

    /// Parses `bytes`, which are one JSON value, and takes it apart. The parser's words name a place and a rule of
    /// the grammar, never what stood there.
    fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        let mut deserializer = Deserializer::from_slice(bytes);
        let value = Self::SHAPE.deserialize(&mut deserializer);
        let value = value.and_then(|value| deserializer.end().map(|()| value));
        let value =
            value.map_err(|error| Problem::new(ProblemCode::MalformedJson).detail(error.to_string()))?;
        Self::read(value)
    }
}

/// Reads a JSON body of at most `limit` bytes; a large one is parsed away from the connections' threads. The
/// reservation is to be held for as long as what was read is in memory.
pub(crate) async fn read_json<T: FromJson>(
    request: &HttpRequest,
    payload: Payload,
    state: &ApiState,
    limit: usize,
) -> Result<(T, Reservation), Problem> {
    require_media_type(request, JSON)?;
    let (bytes, reservation) = read_body(request, payload, state, limit).await?;
    let length = bytes.len();
    // The reservation comes along: the work goes on when its caller leaves.
    state.offload.run(length, move || Ok((T::parse(&bytes)?, reservation))).await?
}
