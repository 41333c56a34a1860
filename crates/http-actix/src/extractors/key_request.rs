use std::time::Duration;

use actix_web::HttpRequest;
use application::dtos::Replacement;
use domain::errors::{DomainError, Rule};
use domain::value_objects::{KeyId, Scope, Timestamp};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder};

use crate::extractors::json::parse_json;
use crate::extractors::prediction_filter::parse_timestamp;
use crate::extractors::{ObjectReader, Shape, Shaped, wrong_type};
use crate::openapi::schemas;
use crate::problem::Problem;

/// The shape of a request for a key.
const KEY: Shape = Shape::Object(&[
    ("scopes", Shape::Array { element: &Shape::Scalar, most: MAX_SCOPES }),
    ("name", Shape::Scalar),
    ("expires_at", Shape::Scalar),
    ("replaces", Shape::Scalar),
    ("overlap", Shape::Scalar),
]);

/// The most names of scopes in a request, repetitions included.
const MAX_SCOPES: usize = 32;

/// The longest time that a replaced key stays valid, in seconds: 30 days.
const MAX_OVERLAP_S: f64 = 2_592_000.0;

/// What a client asks of a new key.
#[derive(Debug)]
pub(crate) struct KeyInput {
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) name: Option<String>,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) replaces: Option<Replacement>,
}

/// Parses the body of a request for a key.
pub(crate) fn parse_key(json: &[u8]) -> Result<KeyInput, Problem> {
    let mut object = ObjectReader::new(parse_json(json, KEY)?, None)?;
    let scopes = object.optional("scopes").map(read_scopes).transpose()?;
    let name = object.optional_string("name")?;
    let expires_at = object.optional_string("expires_at")?;
    let replaces = object.optional_string("replaces")?;
    let overlap = object.optional_number("overlap")?;
    object.finish()?;
    let expires_at = expires_at.map(|text| parse_timestamp("expires_at", &text)).transpose()?;
    let replaces = replacement(replaces, overlap)?;
    Ok(KeyInput { scopes, name, expires_at, replaces })
}

fn replacement(id: Option<String>, overlap: Option<f64>) -> Result<Option<Replacement>, DomainError> {
    let refuse = |rule| Err(DomainError::violation("overlap", rule));
    match (id, overlap) {
        (None, None) => Ok(None),
        (None, Some(_)) => refuse(Rule::Contradictory { why: "needs replaces" }),
        (Some(id), overlap) => {
            let seconds = overlap.unwrap_or_default();
            if !(0.0..=MAX_OVERLAP_S).contains(&seconds) {
                return refuse(Rule::OutOfRange { allowed: format!("between 0 and {MAX_OVERLAP_S}").into() });
            }
            Ok(Some(Replacement { id, overlap: Duration::from_secs_f64(seconds) }))
        }
    }
}

fn read_scopes(value: Shaped) -> Result<Vec<String>, Problem> {
    let elements = match value {
        Shaped::Array(elements) => elements,
        other => return Err(wrong_type(Some("scopes"), "an array", &other)),
    };
    if elements.count > MAX_SCOPES {
        let rule = Rule::TooMany { max: MAX_SCOPES, actual: elements.count };
        return Err(DomainError::violation("scopes", rule).into());
    }
    let name = |(index, value): (usize, Shaped)| match value {
        Shaped::String(name) => Ok(name),
        other => Err(wrong_type(Some(&format!("scopes.{index}")), "a string", &other)),
    };
    elements.stored.into_iter().enumerate().map(name).collect()
}

/// Returns the path's `{id}` of a key.
///
/// # Errors
/// `malformed` where it is none.
pub(crate) fn key_id(request: &HttpRequest) -> Result<KeyId, Problem> {
    Ok(KeyId::parse("id", request.match_info().get("id").unwrap_or_default())?)
}

/// The schema `KeyInput`.
pub(crate) fn key_schema() -> ObjectBuilder {
    let scopes = ArrayBuilder::new()
        .items(ObjectBuilder::new().enum_values(Some(Scope::ALL.map(Scope::as_str))))
        .description(Some(
            "What the key may do: scopes that the caller has; those of the replaced key if absent.",
        ))
        .min_items(Some(1))
        .max_items(Some(MAX_SCOPES));
    let name = schemas::nullable_string("The display name of the key; that of the replaced key if absent.");
    let expires_at = schemas::nullable_string("When the key ends (RFC 3339); it has no end if absent.");
    let replaces = schemas::nullable_string("The id of a key that this one replaces, for a rotation.");
    let overlap = schemas::nullable_number("How long the replaced key stays valid, in seconds; 0 if absent.");
    schemas::request_object("An API key to issue.")
        .property("scopes", scopes)
        .property("name", schemas::with_example(name, "checkout service"))
        .property("expires_at", schemas::with_example(expires_at, "2027-01-31T00:00:00Z"))
        .property("replaces", schemas::with_example(replaces, "4fT9aZ02kLmQ"))
        .property("overlap", overlap.minimum(Some(0)).maximum(Some(MAX_OVERLAP_S)))
}
