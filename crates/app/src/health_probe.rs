//! The client of `undertone healthcheck`.

use std::time::Duration;

use anyhow::Context;
use http_actix::ServerSettings;

/// The longest that the server may take to respond.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Checks that `/health/ready` of the server at `url`, by default the configured one, responds with success.
///
/// # Errors
/// A server that does not respond, or responds otherwise.
pub(crate) fn check_ready(server: &ServerSettings, url: Option<&str>) -> anyhow::Result<()> {
    let base = url.map_or_else(|| local_url(server), str::to_owned);
    let url = format!("{}/health/ready", base.trim_end_matches('/'));
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .proxy(None)
        .build()
        .new_agent();
    let response = agent.get(&url).call().with_context(|| format!("{url} does not respond"))?;
    anyhow::ensure!(response.status().is_success(), "{url} responds with {}", response.status());
    Ok(())
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
