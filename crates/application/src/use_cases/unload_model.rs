use std::sync::Arc;

use domain::value_objects::ModelName;

use crate::action::log_action;
use crate::dtos::UnloadModelRequest;
use crate::errors::ApplicationError;
use crate::ports::ModelCatalog;
use crate::use_cases::model_changes::ModelChanges;

/// Unloads a model; requests in flight finish with it.
pub struct UnloadModelUseCase {
    changes: ModelChanges,
}

impl UnloadModelUseCase {
    /// The use case over the catalog; `allowed` is the configuration's `server.model_changes`.
    pub fn new(models: Arc<dyn ModelCatalog>, allowed: bool) -> Self {
        Self { changes: ModelChanges { models, allowed } }
    }

    /// Checks that models may be changed, before the request is parsed.
    ///
    /// # Errors
    /// `TurnedOff`.
    pub fn allow(&self) -> Result<(), ApplicationError> {
        self.changes.catalog().map(drop)
    }

    /// Unloads the model.
    ///
    /// # Errors
    /// `TurnedOff`; `Invalid` for an invalid name; `NotFound`; `DefaultModel`; `Conflict` while a model of this name is
    /// being loaded.
    pub async fn execute(&self, request: UnloadModelRequest) -> Result<(), ApplicationError> {
        log_action("UnloadModelUseCase.execute", async {
            let models = self.changes.catalog()?;
            let name = ModelName::parse("name", request.name)?;
            models.unload(&name).map_err(|error| ModelChanges::convert(&name, error))
        })
        .await
    }
}
