use actix_web::HttpRequest;
use actix_web::web::Payload;
use serde_json::Value;

use crate::extractors::{JSON, read_body, require_media_type};
use crate::problem::{Problem, ProblemCode};

/// Reads a JSON body of at most `limit` bytes.
pub(crate) async fn read_json(
    request: &HttpRequest,
    payload: Payload,
    limit: usize,
) -> Result<Value, Problem> {
    require_media_type(request, JSON)?;
    parse_json(&read_body(request, payload, limit).await?)
}

/// Reads one JSON value. The parser's words name a place and a rule of the grammar, never what stood there.
pub(crate) fn parse_json(bytes: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(bytes)
        .map_err(|error| Problem::new(ProblemCode::MalformedJson).detail(error.to_string()))
}
