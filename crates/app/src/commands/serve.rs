use crate::commands::Failure;
use crate::config::Settings;
use crate::server;
use crate::telemetry::init_metrics;

/// Serves until a signal ends it.
pub(super) fn run(settings: &Settings) -> Result<(), Failure> {
    let metrics = init_metrics()?;
    actix_web::rt::System::new().block_on(server::run(settings, metrics))
}
