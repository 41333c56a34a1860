use std::sync::Arc;

use crate::action::log_action;
use crate::errors::ApplicationError;
use crate::ports::{ModelCatalog, ServedModel};

/// Tells which models are served.
pub struct ListModelsUseCase {
    models: Arc<dyn ModelCatalog>,
}

impl ListModelsUseCase {
    /// The use case over the catalog.
    pub fn new(models: Arc<dyn ModelCatalog>) -> Self {
        Self { models }
    }

    /// The models, the default first; those that are still loading are left out.
    ///
    /// # Errors
    /// None today.
    pub async fn execute(&self) -> Result<Vec<ServedModel>, ApplicationError> {
        log_action("ListModelsUseCase.execute", async { Ok(self.models.models()) }).await
    }
}
