//! The headers of requests and responses, added to every operation that has them.

use domain::value_objects::IdempotencyKey;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::openapi::{OpenApi, Ref, RefOr, Required, Response};

use crate::extractors::{
    IDEMPOTENCY_KEY_FIELD, LAST_EVENT_ID_FIELD, MAX_TIMEOUT_MS, X_REQUEST_TIMEOUT_MS_FIELD,
};

/// The operations whose requests may have an idempotency key.
const KEYED: [&str; 2] = ["create_prediction", "create_batch"];

/// The operations, beside those that read, whose time the client may shorten.
const TIMED: [&str; 4] = ["create_prediction", "create_batch", "stream_predictions", "delete_prediction"];

/// The operation that follows the feed, for as long as the client stays connected.
const FEED: &str = "follow_events";

/// The headers of every response to a caller with limits, which the responses share, and what each has.
const LIMITS: [(&str, &str); 2] = [
    (
        "RateLimit-Policy",
        "The limits of the caller, if it has any (draft-ietf-httpapi-ratelimit-headers): `requests`, `texts` and \
         `texts-day`, each with its quota `q` and its window `w` in seconds",
    ),
    (
        "RateLimit",
        "What is left of the limits of the caller, if it has any: `r` of each, and `t`, the seconds until its quota is \
         whole again",
    ),
];

/// Adds the headers.
pub(super) fn add(document: &mut OpenApi) {
    let shared = LIMITS.map(|(name, description)| (name.to_owned(), header(description, string()).into()));
    document.components.get_or_insert_default().headers.extend(shared);
    for (path, item) in &mut document.paths.paths {
        let is_limited = path.starts_with("/api/");
        let reads = item.get.iter_mut().map(|operation| (operation, true));
        let writes =
            [&mut item.post, &mut item.delete].into_iter().flatten().map(|operation| (operation, false));
        for (operation, reads) in reads.chain(writes) {
            if is_limited {
                add_to_request(operation, reads);
            }
            for response in operation.responses.responses.values_mut() {
                if let RefOr::T(response) = response {
                    add_to_response(response, is_limited);
                }
            }
            let answer = operation.responses.responses.get_mut("200");
            if let (Some(RefOr::T(answer)), true) =
                (answer, is_one_of(operation.operation_id.as_deref(), &KEYED))
            {
                answer.headers.insert("Idempotent-Replayed".to_owned(), replayed().into());
            }
        }
    }
}

fn is_one_of(id: Option<&str>, ids: &[&str]) -> bool {
    id.is_some_and(|id| ids.contains(&id))
}

fn add_to_request(operation: &mut Operation, reads: bool) {
    let parameters = operation.parameters.get_or_insert_default();
    let follows = operation.operation_id.as_deref() == Some(FEED);
    if follows {
        let description = "The `id` of the last event that you have received, to resume after it";
        let position = string().pattern(Some("^[0-9]{1,19}$")).examples(["42"]);
        parameters.push(in_header(LAST_EVENT_ID_FIELD, description, position.build()).into());
    }
    if (reads && !follows) || is_one_of(operation.operation_id.as_deref(), &TIMED) {
        let description = "The milliseconds after which the request is given up with 503 `deadline_exceeded`, if its \
                           route allows it longer";
        let millis =
            ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(MAX_TIMEOUT_MS));
        parameters.push(in_header(X_REQUEST_TIMEOUT_MS_FIELD, description, millis.build()).into());
    }
    if is_one_of(operation.operation_id.as_deref(), &KEYED) {
        let description = "Your own id of the request, unique for a day: the same request with the same key gets the \
                           first response again, with `Idempotent-Replayed: true`, and stores nothing more. May be \
                           in quotes";
        let key = ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(IdempotencyKey::MAX_CHARS))
            .examples(["8e03978e-40d5-43e8-bc93-6894a57f9324"]);
        parameters.push(in_header(IDEMPOTENCY_KEY_FIELD, description, key.build()).into());
    }
    if parameters.is_empty() {
        operation.parameters = None;
    }
}

fn in_header(name: &str, description: &str, schema: Object) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}

fn add_to_response(response: &mut Response, is_limited: bool) {
    response.headers.insert("X-Request-ID".to_owned(), request_id().into());
    for (name, _) in LIMITS.iter().filter(|_| is_limited) {
        let shared = Ref::new(format!("#/components/headers/{name}"));
        response.headers.insert((*name).to_owned(), RefOr::Ref(shared));
    }
}

fn replayed() -> Header {
    let only = string().enum_values(Some(["true"]));
    header("That the response repeats the first one to the request; absent on the first", only)
}

fn request_id() -> Header {
    let id = string().pattern(Some("^[A-Za-z0-9._-]{1,128}$"));
    header("The request's id: yours if it is well formed, else a new one", id)
}

fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn header(description: &str, schema: ObjectBuilder) -> Header {
    HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build()
}
