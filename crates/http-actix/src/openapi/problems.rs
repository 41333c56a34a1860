//! Which problems an operation can have, by its id.

use std::collections::BTreeMap;

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, Response, ResponseBuilder};

use crate::problem::{PROBLEM_JSON, ProblemCode};

use ProblemCode as P;

/// The operations that answer whatever host they are asked for.
const PROBES: &[&str] = &["health_live", "health_ready"];
/// Of every route that takes no query parameters.
const QUERY: &[ProblemCode] = &[P::MalformedQuery, P::UnknownParameter];
/// Of every route that takes a JSON body.
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
/// Of a text, a reference and metadata.
const INPUT: &[ProblemCode] = &[
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
/// Of the model that is named, and of the options.
const OPTIONS: &[ProblemCode] = &[P::UnknownModel, P::NotOneOf, P::Contradictory];
/// Of every route that changes the catalog of models.
const CHANGING: &[ProblemCode] = &[P::TurnedOff, P::Malformed, P::Conflict, P::Unavailable];
/// Of a batch as a whole.
const BATCH: &[ProblemCode] = &[P::Blank, P::TooMany, P::OutOfRange];
/// Of every route that asks the model and writes the answer down.
const PREDICTING: &[ProblemCode] = &[P::Conflict, P::DeadlineExceeded, P::Unavailable];
/// Of every route over one prediction.
const BY_ID: &[ProblemCode] = &[P::Malformed, P::NotFound, P::Unavailable];
/// Of the list's query parameters.
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

fn of(operation_id: &str) -> Vec<ProblemCode> {
    let groups: &[&[ProblemCode]] = match operation_id {
        "create_prediction" => &[QUERY, BODY, INPUT, OPTIONS, PREDICTING],
        "create_batch" => &[QUERY, BODY, BATCH, OPTIONS, PREDICTING],
        "stream_predictions" => &[QUERY, &[P::UnsupportedMediaType, P::Unavailable]],
        "list_predictions" => &[LIST],
        "get_prediction" => &[QUERY, BY_ID, &[P::Saturated]],
        "delete_prediction" => &[QUERY, BY_ID, &[P::Conflict]],
        "list_models" => &[QUERY, &[P::Unavailable]],
        "load_model" => &[QUERY, BODY, CHANGING, &[P::TooMany, P::NotLoadable]],
        "unload_model" => &[QUERY, CHANGING, &[P::DefaultModel, P::NotFound]],
        "metrics" => &[&[P::UnknownRoute]],
        _ => &[],
    };
    // A bug may be anywhere.
    let mut codes = [groups.concat().as_slice(), &[P::Internal]].concat();
    if !PROBES.contains(&operation_id) {
        codes.push(P::MisdirectedRequest);
    }
    codes
}

/// Adds to every operation the problems it can have, one response a status, and to every response the request's
/// id.
pub(super) fn add(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        for operation in operations(item) {
            let codes = of(operation.operation_id.as_deref().unwrap_or_default());
            let mut by_status: BTreeMap<u16, Vec<ProblemCode>> = BTreeMap::new();
            for code in codes {
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
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, post, delete, .. } = item;
    [get, post, delete].into_iter().flatten()
}

/// One response for all problems of a status.
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
    let description = "The request's id: yours where it is well formed, else a new one";
    HeaderBuilder::new().schema(Some(id)).description(Some(description)).build()
}
