use actix_cors::Cors;
use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    AUTHORIZATION, CACHE_STATUS, CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE,
};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;

use crate::controllers::IDEMPOTENT_REPLAYED;
use crate::extractors::{IDEMPOTENCY_KEY, LAST_EVENT_ID, X_REQUEST_TIMEOUT_MS};
use crate::middlewares::{RATE_LIMIT, RATE_LIMIT_POLICY, X_API_KEY};
use crate::problem::{PROBLEM_JSON, Problem, ProblemCode};
use crate::request_id::X_REQUEST_ID;
use crate::state::HttpSettings;

/// How long a browser may cache the response to a preflight.
const MAX_AGE_S: usize = 3_600;

/// Returns what pages of other origins may do.
pub(crate) fn cors(settings: &HttpSettings) -> Cors {
    let sent = [
        AUTHORIZATION,
        CONTENT_TYPE,
        X_API_KEY,
        X_REQUEST_ID,
        IDEMPOTENCY_KEY,
        X_REQUEST_TIMEOUT_MS,
        LAST_EVENT_ID,
    ];
    let exposed: [HeaderName; 7] = [
        X_REQUEST_ID,
        RETRY_AFTER,
        CACHE_STATUS,
        WWW_AUTHENTICATE,
        RATE_LIMIT,
        RATE_LIMIT_POLICY,
        IDEMPOTENT_REPLAYED,
    ];
    let rules = Cors::default()
        .allowed_methods([Method::GET, Method::POST, Method::DELETE])
        .allowed_headers(sent)
        .expose_headers(exposed)
        .max_age(MAX_AGE_S);
    if settings.cors_origins.iter().any(|origin| origin == "*") {
        return rules.allow_any_origin().send_wildcard();
    }
    settings.cors_origins.iter().fold(rules, |rules, origin| rules.allowed_origin(origin))
}

/// Replaces the plain text of a refused preflight by a problem.
pub(crate) async fn present_cors_refusal(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let preflight = request.method() == Method::OPTIONS;
    let response = next.call(request).await?;
    let is_problem = response.headers().get(CONTENT_TYPE).is_some_and(|value| value == PROBLEM_JSON);
    if preflight && response.status() == StatusCode::BAD_REQUEST && !is_problem {
        let request = response.request().clone();
        let refusal = Problem::new(ProblemCode::CorsRefused).respond(&request);
        return Ok(ServiceResponse::new(request, refusal));
    }
    Ok(response.map_into_boxed_body())
}
