use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::HOST;
use actix_web::http::uri::Authority;
use actix_web::middleware::Next;
use actix_web::web::Data;

use crate::problem::{Problem, ProblemCode};
use crate::state::ApiState;

/// The paths that are answered for any host: probes address the service by IP, and the answer is no secret.
const PROBES: [&str; 2] = ["/health/live", "/health/ready"];

/// Refuses a request for a host that is not allowed with 421 (RFC 9110, section 15.5.20).
pub(crate) async fn check_host(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let state = request.app_data::<Data<ApiState>>().cloned();
    let allowed = state.is_none_or(|state| {
        PROBES.contains(&request.path()) || state.settings.allowed_hosts.allows(authority(&request))
    });
    if allowed {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let refusal = Problem::new(ProblemCode::MisdirectedRequest).respond(request.request());
    Ok(request.into_response(refusal))
}

/// Returns the host that the request is for, or an empty string: the host of an absolute request target takes
/// precedence over the `Host` header (RFC 9112, section 3.2.2).
fn authority(request: &ServiceRequest) -> &str {
    let target = request.uri().authority().map(Authority::as_str);
    let header = || request.headers().get(HOST).and_then(|host| host.to_str().ok());
    target.or_else(header).unwrap_or_default()
}
