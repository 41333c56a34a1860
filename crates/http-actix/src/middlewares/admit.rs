use std::future::ready;
use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage};
use application::ports::Principal;

use crate::access::Requester;
use crate::controllers::respond;
use crate::middlewares::authenticate::refusable;
use crate::middlewares::guarded_body::GuardedBody;
use crate::presenters::present_rate_limit;
use crate::problem::{Problem, ProblemCode};
use crate::state::ApiState;

/// The header with what is left of the caller's limits.
pub(crate) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The header with the caller's limits.
pub(crate) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Counts the request of a caller that `authenticate` has found, before any extractor runs and before its body is read,
/// and as in progress until its response is sent. The response to a caller with limits reports what is left of them,
/// whether or not the request was admitted.
pub(crate) async fn admit(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let state = request.app_data::<Data<ApiState>>().cloned();
    let (Some(state), Some(requester)) = (state, Requester::of(request.request())) else {
        let refusal = Problem::new(ProblemCode::Internal).respond(request.request());
        return Ok(request.into_response(refusal));
    };
    let counted = async {
        let principal = Arc::new(state.use_cases.admit.principal_of(&requester.caller).await);
        let permit = state.use_cases.admit.execute(&principal).await;
        Ok((principal, permit))
    };
    let (principal, permit) = match refusable(&request, counted).await {
        Ok(counted) => counted,
        Err(refusal) => return Ok(request.into_response(refusal)),
    };
    let mut response = match permit {
        Ok(permit) => {
            let permit = Arc::new(permit);
            let (whose, held) = (Some(Arc::clone(&principal)), Some(Arc::clone(&permit)));
            request.extensions_mut().insert(Requester { principal: whose, permit: held, ..requester });
            let response = next.call(request).await?;
            response.map_body(|_, body| GuardedBody::new(body, permit)).map_into_boxed_body()
        }
        Err(error) => {
            let refusal = respond(request.request(), ready(Err(error.into()))).await;
            request.into_response(refusal)
        }
    };
    report_limits(&state, &principal, response.headers_mut());
    Ok(response)
}

/// Adds what is left of the limits of `principal` to the headers of a response.
fn report_limits(state: &ApiState, principal: &Principal, headers: &mut HeaderMap) {
    let Some(standing) = state.use_cases.admit.standing(principal) else { return };
    let retry_after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let Some(fields) = present_rate_limit(&standing, retry_after) else { return };
    for (name, field) in [(RATE_LIMIT_POLICY, fields.policy), (RATE_LIMIT, fields.limit)] {
        if let Ok(value) = HeaderValue::try_from(field) {
            headers.insert(name, value);
        }
    }
}
