use std::time::Duration;

use anyhow::Context;
use clap::Args;

use crate::config::Settings;

#[derive(Debug, Args)]
pub(super) struct HealthcheckArgs {
    /// The server's address; by default the configured one
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// The longest the server may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Asks `/health/ready` of a running server.
pub(super) fn run(settings: &Settings, args: &HealthcheckArgs) -> anyhow::Result<()> {
    let base = args.url.clone().unwrap_or_else(|| configured_url(settings));
    let url = format!("{}/health/ready", base.trim_end_matches('/'));
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .proxy(None)
        .build()
        .new_agent();
    let response = agent.get(&url).call().with_context(|| format!("{url} does not answer"))?;
    anyhow::ensure!(response.status().is_success(), "{url} answers {}", response.status());
    Ok(())
}

/// Where a server with these settings is reached from the same machine.
fn configured_url(settings: &Settings) -> String {
    let host = match settings.server.host.as_str() {
        "0.0.0.0" => "127.0.0.1".to_owned(),
        "::" => "[::1]".to_owned(),
        host if host.contains(':') => format!("[{host}]"),
        host => host.to_owned(),
    };
    format!("http://{host}:{}", settings.server.port)
}
