use application::ports::MlGateway;

use crate::commands::Failure;
use crate::config::Settings;
use crate::container::load_model;

/// Loads the model and prints what `/api/v1/models` would tell of it.
pub(super) fn run(settings: &Settings) -> Result<(), Failure> {
    super::block_on(async {
        let gateway = load_model(settings).await.map_err(Failure::set_up)?;
        let models = http_actix::models_json(&gateway.models());
        gateway.stop().await;
        let text = serde_json::to_string_pretty(&models).map_err(anyhow::Error::from)?;
        println!("{text}");
        Ok(())
    })
}
