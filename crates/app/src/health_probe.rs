//! The probe of `undertone healthcheck`, and of `undertone doctor` where a service runs already.

use http_actix::ServerSettings;
use infra_http::{HealthProbe, HealthProbeError};

/// Returns a probe of the service at `url`, by default of the configured one.
///
/// # Errors
/// A URL that is not the address of a service.
pub(crate) fn health_probe(
    server: &ServerSettings,
    url: Option<&str>,
) -> Result<HealthProbe, HealthProbeError> {
    url.map_or_else(|| HealthProbe::new(&local_url(server)), HealthProbe::new)
}

/// The URL of a server with these settings on this machine.
fn local_url(server: &ServerSettings) -> String {
    let host = match server.host.as_str() {
        "0.0.0.0" => "127.0.0.1",
        "::" => "::1",
        host => host,
    };
    format!("http://{}", ServerSettings { host: host.to_owned(), ..server.clone() }.authority())
}
