//! The problems that each operation can answer with, added to the document from the catalog.

use std::collections::BTreeMap;

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, Response, ResponseBuilder};

use crate::problem::{PROBLEM_JSON, ProblemCode};

use ProblemCode as P;

/// The problems of each operation, by its id. A test compares the ids with those of the document.
pub(super) const OPERATIONS: [(&str, &[&[ProblemCode]]); 19] = [
    ("create_prediction", &[QUERY, BODY, ITEM, OPTIONS, PREDICT, CALLER, ANY]),
    ("create_batch", &[QUERY, BODY, BATCH, OPTIONS, PREDICT, CALLER, ANY]),
    ("stream_predictions", &[QUERY, &[P::UnsupportedMediaType, P::Unavailable], CALLER, ANY]),
    ("list_predictions", &[LIST, CALLER, ANY]),
    ("get_prediction", &[QUERY, BY_ID, &[P::Saturated], CALLER, ANY]),
    ("delete_prediction", &[QUERY, BY_ID, &[P::Conflict], CALLER, ANY]),
    ("list_models", &[QUERY, &[P::Unavailable], CALLER, ANY]),
    (
        "load_model",
        &[QUERY, BODY, CHANGE_MODELS, &[P::TooMany, P::TooLong, P::ContainsNul, P::NotLoadable], CALLER, ANY],
    ),
    ("unload_model", &[QUERY, CHANGE_MODELS, &[P::DefaultModel, P::NotFound], CALLER, ANY]),
    ("me", &[QUERY, CALLER, ANY]),
    ("issue_key", &[QUERY, BODY, KEY, CALLER, ANY]),
    ("list_keys", &[QUERY, &[P::Saturated], CALLER, ANY]),
    ("revoke_key", &[QUERY, &[P::Malformed, P::NotFound, P::Conflict], CALLER, ANY]),
    (
        "list_audit",
        &[QUERY, &[P::RepeatedParameter, P::ContainsNul, P::OutOfRange, P::Malformed], CALLER, ANY],
    ),
    ("health", &[ANY]),
    ("health_live", &[PROBE]),
    ("health_ready", &[PROBE]),
    ("metrics", &[&[P::UnknownRoute], CALLER, ANY]),
    ("openapi", &[ANY]),
];

/// Every operation except the probes, which are answered for any host.
const ANY: &[ProblemCode] = &[P::Internal, P::MisdirectedRequest];
/// An operation whose caller is authenticated where the service requires it.
const CALLER: &[ProblemCode] =
    &[P::Unauthenticated, P::Forbidden, P::TenantDisabled, P::RateLimited, P::Unavailable];
/// An operation that issues a key.
const KEY: &[ProblemCode] = &[
    P::NotFound,
    P::Conflict,
    P::Blank,
    P::TooLong,
    P::ContainsNul,
    P::NotPrintable,
    P::TooMany,
    P::OutOfRange,
    P::Malformed,
    P::NotOneOf,
    P::Contradictory,
    P::WrongState,
];
/// A probe.
const PROBE: &[ProblemCode] = &[P::Internal];
/// An operation without query parameters.
const QUERY: &[ProblemCode] = &[P::MalformedQuery, P::UnknownParameter];
/// An operation with a JSON body.
const BODY: &[ProblemCode] = &[
    P::MalformedJson,
    P::IncompleteBody,
    P::RequestTimeout,
    P::BodyTooLarge,
    P::UnsupportedMediaType,
    P::UnknownField,
    P::MissingField,
    P::WrongType,
    P::Saturated,
];
/// A text, its reference and its metadata.
const ITEM: &[ProblemCode] = &[
    P::Blank,
    P::TooLong,
    P::ContainsNul,
    P::NotPrintable,
    P::TooMany,
    P::TooLarge,
    P::OutOfRange,
    P::TooManyTokens,
    P::TooManySentences,
    P::InferenceFailed,
];
/// The model's name and the options.
const OPTIONS: &[ProblemCode] = &[P::UnknownModel, P::NotOneOf, P::Contradictory];
/// An operation that changes the model catalog.
const CHANGE_MODELS: &[ProblemCode] = &[P::TurnedOff, P::Malformed, P::Conflict, P::Unavailable];
/// A batch as a whole; its items have their own problems.
const BATCH: &[ProblemCode] = &[P::Blank, P::TooMany, P::OutOfRange];
/// An operation that classifies texts and stores predictions.
const PREDICT: &[ProblemCode] = &[P::Conflict, P::DeadlineExceeded, P::Unavailable];
/// An operation on the prediction of an id.
const BY_ID: &[ProblemCode] = &[P::Malformed, P::NotFound, P::Unavailable];
/// The query parameters of the list.
const LIST: &[ProblemCode] = &[
    P::MalformedQuery,
    P::UnknownParameter,
    P::RepeatedParameter,
    P::Blank,
    P::TooLong,
    P::ContainsNul,
    P::NotPrintable,
    P::TooMany,
    P::OutOfRange,
    P::Malformed,
    P::NotOneOf,
    P::NoTerms,
    P::Saturated,
    P::Unavailable,
];

/// Adds to every operation one response for each status of its problems, and to every response the request id's header.
pub(super) fn add(document: &mut OpenApi) {
    for operation in operations(document) {
        let mut by_status: BTreeMap<u16, Vec<ProblemCode>> = BTreeMap::new();
        for code in problems_of(operation).unwrap_or_default().concat() {
            by_status.entry(code.status().as_u16()).or_default().push(code);
        }
        for (status, codes) in by_status {
            operation.responses.responses.insert(status.to_string(), RefOr::T(response(&codes)));
        }
        for response in operation.responses.responses.values_mut() {
            if let RefOr::T(response) = response {
                response.headers.insert("X-Request-ID".to_owned(), request_id_header().into());
            }
        }
    }
}

pub(super) fn operations(document: &mut OpenApi) -> impl Iterator<Item = &mut Operation> {
    let items = document.paths.paths.values_mut();
    items.flat_map(|item| [&mut item.get, &mut item.post, &mut item.delete].into_iter().flatten())
}

fn problems_of(operation: &Operation) -> Option<&'static [&'static [ProblemCode]]> {
    let id = operation.operation_id.as_deref()?;
    OPERATIONS.iter().find(|(listed, _)| *listed == id).map(|(_, problems)| *problems)
}

/// Returns the one response for all problems of a status.
fn response(codes: &[ProblemCode]) -> Response {
    let lines: Vec<String> =
        codes.iter().map(|code| format!("* `{}`: {}", code.code(), code.entry().meaning)).collect();
    let temporary = codes.iter().any(|code| code.is_temporary());
    let mut response = ResponseBuilder::new()
        .description(lines.join("\n"))
        .content(PROBLEM_JSON, Content::new(Some(Ref::from_schema_name("Problem"))));
    if temporary {
        let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
        let header = HeaderBuilder::new().schema(Some(seconds)).description(Some("Seconds to wait")).build();
        response = response.header("Retry-After", header);
    }
    response.build()
}

fn request_id_header() -> utoipa::openapi::Header {
    let id = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[A-Za-z0-9._-]{1,128}$"));
    let description = "The request's id: yours if it is well formed, else a new one";
    HeaderBuilder::new().schema(Some(id)).description(Some(description)).build()
}
