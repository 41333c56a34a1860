//! The problems that each operation can answer with, added to the document from the catalog.

use std::collections::BTreeMap;

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, Response, ResponseBuilder};

use crate::problem::{PROBLEM_JSON, ProblemCode};

use ProblemCode as P;

/// The problems of each operation, by its id. A test compares the ids with those of the document.
pub(super) const OPERATIONS: [(&str, &[&[ProblemCode]]); 25] = [
    (
        "create_prediction",
        &[QUERY, BODY, ITEM, OPTIONS, PREDICT, KEYED, &[P::Gone], TIMED, CALLER, LIMITED, ANY],
    ),
    ("create_batch", &[QUERY, BODY, BATCH, OPTIONS, PREDICT, KEYED, TIMED, CALLER, LIMITED, ANY]),
    ("stream_predictions", &[QUERY, STREAM, CALLER, LIMITED, ANY]),
    ("list_predictions", &[LIST, TIMED, CALLER, LIMITED, ANY]),
    ("export_predictions", &[LIST, TIMED, CALLER, LIMITED, ANY]),
    ("get_prediction", &[QUERY, BY_ID, &[P::Saturated], TIMED, CALLER, LIMITED, ANY]),
    ("delete_prediction", &[QUERY, BY_ID, &[P::Conflict], TIMED, CALLER, LIMITED, ANY]),
    ("show_trends", &[ANALYTICS, &[P::Blank, P::Saturated], TIMED, CALLER, LIMITED, ANY]),
    ("break_down", &[ANALYTICS, TIMED, CALLER, LIMITED, ANY]),
    ("follow_events", &[FOLLOW, CALLER, LIMITED, ANY]),
    ("rank_terms", &[TERMS, TIMED, CALLER, LIMITED, ANY]),
    ("list_models", &[QUERY, &[P::Unavailable], TIMED, CALLER, LIMITED, ANY]),
    (
        "load_model",
        &[
            QUERY,
            BODY,
            CHANGE_MODELS,
            &[P::TooMany, P::TooLong, P::ContainsNul, P::NotLoadable],
            CALLER,
            LIMITED,
            ANY,
        ],
    ),
    ("unload_model", &[QUERY, CHANGE_MODELS, &[P::DefaultModel, P::NotFound], CALLER, LIMITED, ANY]),
    ("me", &[QUERY, TIMED, CALLER, LIMITED, ANY]),
    ("get_usage", &[QUERY, TIMED, CALLER, LIMITED, ANY]),
    ("issue_key", &[QUERY, BODY, KEY, CALLER, LIMITED, ANY]),
    ("list_keys", &[QUERY, &[P::Saturated], TIMED, CALLER, LIMITED, ANY]),
    ("revoke_key", &[QUERY, &[P::Malformed, P::NotFound, P::Conflict], CALLER, LIMITED, ANY]),
    ("list_audit", &[QUERY, &[P::RepeatedParameter, P::ContainsNul], TIMED, CALLER, LIMITED, ANY]),
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
/// An operation whose requests are counted against the limits of their callers.
const LIMITED: &[ProblemCode] = &[P::RateLimited, P::TooManyConcurrent];
/// An operation with a deadline, which the client may shorten.
const TIMED: &[ProblemCode] = &[P::OutOfRange, P::Malformed, P::DeadlineExceeded];
/// An operation whose requests may have an idempotency key.
const KEYED: &[ProblemCode] =
    &[P::Blank, P::TooLong, P::NotPrintable, P::Malformed, P::IdempotencyInProgress, P::IdempotencyKeyReused];
/// A stream as a whole; its lines have their own problems.
const STREAM: &[ProblemCode] =
    &[P::UnsupportedMediaType, P::Contradictory, P::OutOfRange, P::Malformed, P::Unavailable];
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
const PREDICT: &[ProblemCode] = &[P::Conflict, P::QuotaExceeded, P::Unavailable];
/// An operation on the prediction of an id.
const BY_ID: &[ProblemCode] = &[P::Malformed, P::NotFound, P::Unavailable];
/// The query parameters of an analysis.
const ANALYTICS: &[ProblemCode] = &[
    P::MalformedQuery,
    P::UnknownParameter,
    P::RepeatedParameter,
    P::ContainsNul,
    P::OutOfRange,
    P::Malformed,
    P::NotOneOf,
    P::TooMuch,
    P::Contradictory,
    P::Unavailable,
];
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

/// The query parameters and the position of the feed.
const FOLLOW: &[ProblemCode] = &[
    P::MalformedQuery,
    P::UnknownParameter,
    P::RepeatedParameter,
    P::ContainsNul,
    P::Malformed,
    P::NotOneOf,
    P::Saturated,
    P::Unavailable,
];
/// The query parameters of the distinguishing terms.
const TERMS: &[ProblemCode] = &[
    P::MalformedQuery,
    P::UnknownParameter,
    P::RepeatedParameter,
    P::MissingField,
    P::Blank,
    P::ContainsNul,
    P::OutOfRange,
    P::Malformed,
    P::NotOneOf,
    P::Saturated,
    P::Unavailable,
];
/// Adds to every operation one response for each status of its problems.
pub(super) fn add(document: &mut OpenApi) {
    for operation in operations(document) {
        let mut by_status: BTreeMap<u16, Vec<ProblemCode>> = BTreeMap::new();
        for code in problems_of(operation).unwrap_or_default().concat() {
            let codes = by_status.entry(code.status().as_u16()).or_default();
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
        for (status, codes) in by_status {
            operation.responses.responses.insert(status.to_string(), RefOr::T(response(&codes)));
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
    let has_retry_after = codes.iter().any(|code| code.has_retry_after());
    let mut response = ResponseBuilder::new()
        .description(lines.join("\n"))
        .content(PROBLEM_JSON, Content::new(Some(Ref::from_schema_name("Problem"))));
    if has_retry_after {
        let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
        let header = HeaderBuilder::new().schema(Some(seconds)).description(Some("Seconds to wait")).build();
        response = response.header("Retry-After", header);
    }
    response.build()
}
