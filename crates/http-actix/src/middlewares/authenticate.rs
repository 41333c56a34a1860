use std::future::ready;
use std::panic::{AssertUnwindSafe, resume_unwind};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderName};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpResponse};
use application::dtos::{AuthenticateRequest, Caller, Credential, Identity};
use application::errors::ApplicationError;
use application::ports::SecretText;
use futures_util::FutureExt;
use metrics::counter;
use tracing::Span;

use crate::access::Requester;
use crate::controllers::respond;
use crate::middlewares::span_content::traces_clients;
use crate::problem::{Problem, ProblemCode};
use crate::state::ApiState;

pub(crate) const AUTHENTICATIONS_REFUSED_TOTAL: &str = "undertone_authentications_refused_total";

/// The header for an API key, beside `Authorization: Bearer`.
pub(crate) const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// What an API key begins with; no token does.
const KEY_PREFIX: &str = "ut_";

/// Finds out who sent the request and stores it for the extractors, before any of them runs: actix-web polls the
/// extractors of a controller together and responds with the first error among them.
pub(crate) async fn authenticate(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match refusable(&request, find_requester(&request)).await {
        Ok(requester) => {
            if traces_clients(&request)
                && let Some(caller) = caller_label(&requester.caller)
            {
                Span::current().record("caller", caller);
            }
            request.extensions_mut().insert(requester);
            Ok(next.call(request).await?.map_into_boxed_body())
        }
        Err(refusal) => Ok(request.into_response(refusal)),
    }
}

/// Returns the result of `step`, or the response to `request` that its problem or its panic becomes.
pub(super) async fn refusable<T>(
    request: &ServiceRequest,
    step: impl Future<Output = Result<T, Problem>>,
) -> Result<T, HttpResponse> {
    // Unwind safe: no state of the step is used after a panic.
    match AssertUnwindSafe(step).catch_unwind().await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(problem)) => Err(respond(request.request(), ready(Err(problem))).await),
        Err(panic) => Err(respond(request.request(), async move { resume_unwind(panic) }).await),
    }
}

/// Returns who sent the request.
async fn find_requester(request: &ServiceRequest) -> Result<Requester, Problem> {
    let Some(state) = request.app_data::<Data<ApiState>>() else {
        return Err(Problem::new(ProblemCode::Internal));
    };
    let peer = request.peer_addr().map(|peer| peer.ip());
    let address = peer.map(|peer| state.settings.trusted_proxies.client(peer, request.headers()));
    let Some(authenticate) = &state.use_cases.authenticate else {
        return Ok(Requester::new(Caller::anonymous(), address));
    };
    let credential = credential(request.headers());
    match authenticate.execute(AuthenticateRequest { credential, address }).await {
        Ok(caller) => Ok(Requester::new(caller, address)),
        Err(error) => {
            counter!(AUTHENTICATIONS_REFUSED_TOTAL, "reason" => reason(&error)).increment(1);
            Err(error.into())
        }
    }
}

/// The caller in a few words: the tenant, and the key by its name or id. None without authentication.
fn caller_label(caller: &Caller) -> Option<String> {
    let tenant = &caller.tenant;
    match &caller.identity {
        Identity::Anonymous => None,
        Identity::Key { name: Some(name), .. } => Some(format!("{tenant}/{name}")),
        Identity::Key { id, .. } => Some(format!("{tenant}/{id}")),
        Identity::Token { .. } => Some(tenant.to_string()),
    }
}

/// Lets everyone in, as a caller without authentication: for a route that is protected only if configured.
pub(crate) async fn admit_everyone(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    request.extensions_mut().insert(Requester::new(Caller::anonymous(), None));
    Ok(next.call(request).await?.map_into_boxed_body())
}

/// Returns what the request has sent: one header, once.
fn credential(headers: &HeaderMap) -> Credential {
    let mut sent = headers
        .get_all(AUTHORIZATION)
        .map(|value| (value, true))
        .chain(headers.get_all(&X_API_KEY).map(|value| (value, false)));
    let (value, is_authorization) = match (sent.next(), sent.next()) {
        (None, _) => return Credential::Missing,
        (Some(only), None) => only,
        (Some(_), Some(_)) => return Credential::Malformed,
    };
    let Ok(value) = value.to_str() else { return Credential::Malformed };
    let secret = if is_authorization { bearer(value) } else { Some(value.trim()) };
    match secret {
        Some(secret) if secret.starts_with(KEY_PREFIX) => Credential::Key(SecretText::new(secret)),
        Some(secret) if is_authorization && secret.contains('.') => {
            Credential::Token(SecretText::new(secret))
        }
        _ => Credential::Malformed,
    }
}

/// Returns the credential of the scheme `Bearer` (RFC 6750, section 2.1), whose name has any case.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, secret) = value.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| secret.trim())
}

fn reason(error: &ApplicationError) -> &'static str {
    match error {
        ApplicationError::Unauthenticated { why } => why,
        ApplicationError::TenantDisabled => "disabled tenant",
        ApplicationError::RateLimited { .. } => "too many failures",
        _ => "unavailable",
    }
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "a test may panic")]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn kind(headers: &[(&'static str, &str)]) -> &'static str {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_str(value).expect("a value"));
        }
        match credential(&map) {
            Credential::Missing => "missing",
            Credential::Malformed => "malformed",
            Credential::Key(_) => "key",
            Credential::Token(_) => "token",
        }
    }

    #[test]
    fn a_credential_is_sent_in_one_header_once() {
        assert_eq!(kind(&[]), "missing");
        for headers in [
            [("authorization", "Bearer ut_a_b")],
            [("authorization", "bearer  ut_a_b ")],
            [("x-api-key", "ut_a_b")],
        ] {
            assert_eq!(kind(&headers), "key");
        }
        assert_eq!(kind(&[("authorization", "Bearer a.b.c")]), "token");
        for headers in [
            &[("authorization", "Basic dXQ6dXQ=")][..],
            &[("authorization", "ut_a_b")],
            &[("authorization", "Bearer")],
            &[("authorization", "")],
            &[("x-api-key", "a.b.c")],
            &[("x-api-key", "")],
            &[("authorization", "Bearer ut_a_b"), ("authorization", "Bearer ut_a_b")],
            &[("authorization", "Bearer ut_a_b"), ("x-api-key", "ut_a_b")],
        ] {
            assert_eq!(kind(headers), "malformed", "{headers:?}");
        }
    }
}
