use std::sync::Arc;

use crate::action::log_action;
use crate::errors::ApplicationError;
use crate::ports::{ModelCatalog, ServedModel};

/// Lists the served models.
pub struct ListModelsUseCase {
    models: Arc<dyn ModelCatalog>,
}

impl ListModelsUseCase {
    /// The use case over the catalog.
    pub fn new(models: Arc<dyn ModelCatalog>) -> Self {
        Self { models }
    }

    /// Returns the loaded models, the default first.
    ///
    /// # Errors
    /// None.
    pub async fn execute(&self) -> Result<Vec<ServedModel>, ApplicationError> {
        log_action("ListModelsUseCase.execute", async { Ok(self.models.models()) }).await
    }
}
