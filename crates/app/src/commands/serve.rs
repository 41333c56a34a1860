use crate::commands::Failure;
use crate::config::Settings;
use crate::server;
use crate::telemetry::{init_metrics, init_service_log};

/// Serves until a signal ends it.
pub(super) fn run(settings: &Settings) -> Result<(), Failure> {
    // The last to go: what is logged on the way out, an error's cause above all, is still written.
    let log = init_service_log(&settings.log).map_err(Failure::set_up)?;
    let metrics = init_metrics()?;
    super::block_on(server::run(settings, metrics, log.queue()))
}
