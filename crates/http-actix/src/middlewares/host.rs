use std::net::Ipv4Addr;

use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::HOST;
use actix_web::http::uri::Authority;
use actix_web::middleware::Next;
use actix_web::web::Data;

use crate::problem::{Problem, ProblemCode};
use crate::state::ApiState;

/// Probes come by address, whatever the service's name, and report one bit that is no secret.
const PROBES: [&str; 2] = ["/health/live", "/health/ready"];

/// Which names of this service a request may give as its `Host`.
///
/// A web page can make its own host name stand for any address (DNS rebinding). To the browser a service behind that
/// name then belongs to the page's origin, and the page may read everything. The name gives it away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AllowedHosts {
    /// Any.
    #[default]
    Any,
    /// The names and addresses of the loopback, which no page has for its origin unless it comes from this machine,
    /// and these names, in lower case and without a port.
    LoopbackAnd(Vec<String>),
}

impl AllowedHosts {
    /// Whether `authority`, a host with or without a port, is allowed.
    fn allows(&self, authority: &str) -> bool {
        let Self::LoopbackAnd(names) = self else { return true };
        let host = host_of(authority).to_ascii_lowercase();
        is_loopback(&host) || names.contains(&host)
    }
}

/// Refuses a request for another host with 421 (RFC 9110, section 15.5.20).
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

/// The host that the request is for: that of an absolute target, which comes before the header (RFC 9112, section
/// 3.2.2). Empty where there is none.
fn authority(request: &ServiceRequest) -> &str {
    let target = request.uri().authority().map(Authority::as_str);
    let header = || request.headers().get(HOST).and_then(|host| host.to_str().ok());
    target.or_else(header).unwrap_or_default()
}

/// The authority without its port, and without the dot that ends a fully qualified name.
fn host_of(authority: &str) -> &str {
    let is_port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if is_port(port) => host,
        _ => authority,
    };
    host.strip_suffix('.').unwrap_or(host)
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host == "[::1]"
        || host.parse().is_ok_and(|address: Ipv4Addr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_names_and_the_listed_ones_are_allowed_with_any_port() {
        let hosts = AllowedHosts::LoopbackAnd(vec!["sentiment.example".to_owned()]);
        for allowed in [
            "localhost",
            "LocalHost:8000",
            "localhost.",
            "127.0.0.1",
            "127.9.9.9:1",
            "[::1]",
            "[::1]:8000",
            "sentiment.example",
            "Sentiment.Example.:443",
        ] {
            assert!(hosts.allows(allowed), "{allowed}");
        }
        for refused in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "evil.example:8000",
            "[::2]",
            "10.0.0.1",
            "127.0.0.1:80:80",
            "localhost:evil",
            "evil@localhost",
            "notlocalhost",
        ] {
            assert!(!hosts.allows(refused), "{refused}");
        }
        assert!(AllowedHosts::Any.allows("evil.example"));
    }
}
