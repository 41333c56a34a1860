//! The client of `undertone healthcheck`, and of `undertone doctor` where a service runs already.

use std::time::Duration;

use anyhow::Context;
use http_actix::ServerSettings;
use serde::Deserialize;

/// The longest that the server may take to respond.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Checks that `/health/ready` of the server at `url`, by default the configured one, responds with success.
///
/// # Errors
/// A server that does not respond, or responds otherwise.
pub(crate) fn check_ready(server: &ServerSettings, url: Option<&str>) -> anyhow::Result<()> {
    let base = url.map_or_else(|| local_url(server), str::to_owned);
    let url = format!("{}/health/ready", base.trim_end_matches('/'));
    let response = agent().get(&url).call().with_context(|| format!("{url} does not respond"))?;
    anyhow::ensure!(response.status().is_success(), "{url} responds with {}", response.status());
    Ok(())
}

/// A service that runs with these settings already.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct RunningService {
    /// The worst status of its components.
    pub(crate) status: String,
    /// Its version; only the operators' listener shows it, where there is one.
    pub(crate) version: Option<String>,
}

/// Returns the service that responds at the configured address; none where something else does.
pub(crate) fn running_service(server: &ServerSettings) -> Option<RunningService> {
    let mut response = agent().get(format!("{}/health", local_url(server))).call().ok()?;
    response.body_mut().read_json().ok()
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().timeout_global(Some(TIMEOUT));
    config.http_status_as_error(false).proxy(None).build().new_agent()
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
