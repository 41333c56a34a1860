use std::sync::Arc;

use domain::errors::DomainError;

use crate::action::log_action;
use crate::dtos::{GetPredictionRequest, PredictionRecord};
use crate::errors::ApplicationError;
use crate::ports::PredictionReadModel;

/// Reads one prediction.
pub struct GetPredictionUseCase {
    predictions: Arc<dyn PredictionReadModel>,
}

impl GetPredictionUseCase {
    /// The use case over the read model.
    pub fn new(predictions: Arc<dyn PredictionReadModel>) -> Self {
        Self { predictions }
    }

    /// Returns the prediction and its text.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`, `Corrupt`.
    pub async fn execute(&self, request: GetPredictionRequest) -> Result<PredictionRecord, ApplicationError> {
        log_action("GetPredictionUseCase.execute", async {
            let found = self.predictions.find(&request.tenant, request.id).await?;
            let missing = || DomainError::EntityNotFound { entity: "prediction", id: request.id.to_string() };
            Ok(found.ok_or_else(missing)?)
        })
        .await
    }
}
