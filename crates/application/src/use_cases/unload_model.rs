use std::sync::Arc;

use domain::value_objects::ModelName;

use crate::action::log_action;
use crate::dtos::UnloadModelRequest;
use crate::errors::ApplicationError;
use crate::ports::ModelCatalog;
use crate::use_cases::model_changes::ModelChanges;

/// Serves a model no more; requests in flight keep it to their end.
pub struct UnloadModelUseCase {
    changes: ModelChanges,
}

impl UnloadModelUseCase {
    /// The use case over the catalog; whether it may be changed is the configuration's to say.
    pub fn new(models: Arc<dyn ModelCatalog>, allowed: bool) -> Self {
        Self { changes: ModelChanges { models, allowed } }
    }

    /// Whether models may be unloaded at all: to be asked before the request is even looked at.
    ///
    /// # Errors
    /// `TurnedOff`.
    pub fn allow(&self) -> Result<(), ApplicationError> {
        self.changes.catalog().map(drop)
    }

    /// Unloads the model.
    ///
    /// # Errors
    /// `TurnedOff`; `Invalid` for a name that is none; `NotFound`; `DefaultModel`; `Conflict` where a model of this
    /// name is being loaded.
    pub async fn execute(&self, request: UnloadModelRequest) -> Result<(), ApplicationError> {
        log_action("UnloadModelUseCase.execute", async {
            let models = self.changes.catalog()?;
            let name = ModelName::parse("name", request.name)?;
            models.unload(&name).map_err(|error| ModelChanges::failed(&name, error))
        })
        .await
    }
}
