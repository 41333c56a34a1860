use crate::commands::Failure;
use crate::config::Settings;
use crate::server;
use crate::telemetry::init_metrics;

/// Serves until a signal ends it.
pub(super) fn run(settings: &Settings) -> Result<(), Failure> {
    let metrics = init_metrics()?;
    super::block_on(server::run(settings, metrics))
}
