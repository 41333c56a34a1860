use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use actix_web::HttpRequest;
use application::dtos::Replacement;
use domain::errors::{DomainError, Rule};
use domain::value_objects::{KeyId, Limits, Rate, Scope, Timestamp};
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
    ("limits", LIMITS),
]);

/// The shape of the member `limits`.
const LIMITS: Shape = Shape::Object(&[
    ("requests", RATE),
    ("texts", RATE),
    ("concurrent", Shape::Scalar),
    ("texts_per_day", Shape::Scalar),
]);

/// The shape of a rate.
const RATE: Shape = Shape::Object(&[("per_second", Shape::Scalar), ("burst", Shape::Scalar)]);

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
    pub(crate) limits: Option<Limits>,
}

/// Parses the body of a request for a key.
pub(crate) fn parse_key(json: &[u8]) -> Result<KeyInput, Problem> {
    let mut object = ObjectReader::new(parse_json(json, KEY)?, None)?;
    let scopes = object.optional("scopes").map(read_scopes).transpose()?;
    let name = object.optional_string("name")?;
    let expires_at = object.optional_string("expires_at")?;
    let replaces = object.optional_string("replaces")?;
    let overlap = object.optional_number("overlap")?;
    let limits = object.optional("limits").map(read_limits).transpose()?;
    object.finish()?;
    let expires_at = expires_at.map(|text| parse_timestamp("expires_at", &text)).transpose()?;
    let replaces = replacement(replaces, overlap)?;
    Ok(KeyInput { scopes, name, expires_at, replaces, limits })
}

fn read_limits(value: Shaped) -> Result<Limits, Problem> {
    let mut object = ObjectReader::within(value, "limits")?;
    let requests = object.optional("requests");
    let requests = requests.map(|rate| read_rate(rate, "limits.requests", Rate::of_requests)).transpose()?;
    let texts = object.optional("texts");
    let texts = texts.map(|rate| read_rate(rate, "limits.texts", Rate::of_texts)).transpose()?;
    let concurrent = object.optional_integer("concurrent")?;
    let texts_per_day = object.optional_integer("texts_per_day")?;
    object.finish()?;
    let concurrent = concurrent.map(|most| {
        let most = u32::try_from(most).ok().and_then(NonZeroU32::new);
        most.ok_or_else(|| out_of_range("limits.concurrent", u32::MAX.into()))
    });
    let texts_per_day = texts_per_day.map(|most| {
        let most = u64::try_from(most).ok().and_then(NonZeroU64::new);
        most.ok_or_else(|| out_of_range("limits.texts_per_day", i64::MAX))
    });
    let (concurrent, texts_per_day) = (concurrent.transpose()?, texts_per_day.transpose()?);
    Ok(Limits { requests, texts, concurrent, texts_per_day })
}

/// Reads a rate and checks it with `check`, which knows its default burst.
fn read_rate(
    value: Shaped,
    field: &'static str,
    check: fn(&'static str, u32, Option<u32>) -> Result<Rate, DomainError>,
) -> Result<Rate, Problem> {
    let mut object = ObjectReader::within(value, field)?;
    let per_second = object.integer("per_second")?;
    let burst = object.optional_integer("burst")?;
    object.finish()?;
    // A negative number becomes 0 and a large one the largest: both are out of range too.
    let part = |number: i64| u32::try_from(number.max(0)).unwrap_or(u32::MAX);
    Ok(check(field, part(per_second), burst.map(part))?)
}

fn out_of_range(field: &'static str, most: i64) -> DomainError {
    DomainError::violation(field, Rule::OutOfRange { allowed: format!("between 1 and {most}").into() })
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
        .property("limits", limits_schema())
        .property("overlap", overlap.minimum(Some(0)).maximum(Some(MAX_OVERLAP_S)))
}

fn limits_schema() -> ObjectBuilder {
    let count =
        |description, most: i64| schemas::nullable_integer(description).minimum(Some(1)).maximum(Some(most));
    let rate = |description, burst| {
        schemas::nullable_object(description)
            .property("per_second", schemas::integer("The average of a second.", 1, Rate::MAX))
            .required("per_second")
            .property("burst", count(burst, Rate::MAX.into()))
    };
    let requests = rate("The rate of requests.", "The most at once; `per_second` if absent.");
    let texts =
        rate("The rate of texts.", "The most at once; `per_second` if absent, but at least 1,000: a batch.");
    schemas::nullable_object(
        "What the callers with the key may use, beside the limits of the tenant: what is absent is limited as for the \
         caller who issues the key, and nothing may be wider. Those of the replaced key if absent.",
    )
    .property("requests", requests)
    .property("texts", texts)
    .property("concurrent", count("The most requests at the same time.", u32::MAX.into()))
    .property("texts_per_day", count("The most texts of a day (UTC).", i64::MAX))
}
