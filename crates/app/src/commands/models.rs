use application::ports::ModelCatalog;

use crate::commands::Failure;
use crate::config::Settings;
use crate::container::Models;

/// Loads the models and prints what `/api/v1/models` would tell of them.
pub(super) fn run(settings: &Settings) -> Result<(), Failure> {
    super::block_on(async {
        let models = Models::load_all(settings).await.map_err(Failure::set_up)?;
        let list = http_actix::models_json(&ModelCatalog::models(models.catalog.as_ref()));
        models.stop().await;
        let text = serde_json::to_string_pretty(&list).map_err(anyhow::Error::from)?;
        println!("{text}");
        Ok(())
    })
}
