use std::sync::Arc;

use crate::action::log_action;
use crate::errors::ApplicationError;
use crate::ports::{MlGateway, ModelInfo};

/// Tells which models are loaded.
pub struct ListModelsUseCase {
    ml: Arc<dyn MlGateway>,
}

impl ListModelsUseCase {
    /// The use case over the model gateway.
    pub fn new(ml: Arc<dyn MlGateway>) -> Self {
        Self { ml }
    }

    /// The models; none while they are loading.
    ///
    /// # Errors
    /// None today.
    pub async fn execute(&self) -> Result<Vec<ModelInfo>, ApplicationError> {
        log_action("ListModelsUseCase.execute", async { Ok(self.ml.models()) }).await
    }
}
