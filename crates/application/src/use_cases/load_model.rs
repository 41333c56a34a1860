use std::sync::Arc;

use domain::value_objects::ModelName;

use crate::action::log_action;
use crate::dtos::LoadModelRequest;
use crate::errors::ApplicationError;
use crate::ports::{LoadedModel, ModelCatalog};
use crate::use_cases::model_changes::ModelChanges;

/// Loads a model while the others go on, and serves it when it is there.
pub struct LoadModelUseCase {
    changes: ModelChanges,
}

impl LoadModelUseCase {
    /// The use case over the catalog; whether it may be changed is the configuration's to say.
    pub fn new(models: Arc<dyn ModelCatalog>, allowed: bool) -> Self {
        Self { changes: ModelChanges { models, allowed } }
    }

    /// Whether models may be loaded at all: to be asked before the request is even looked at.
    ///
    /// # Errors
    /// `TurnedOff`.
    pub fn allow(&self) -> Result<(), ApplicationError> {
        self.changes.catalog().map(drop)
    }

    /// The model, which is served when this returns.
    ///
    /// # Errors
    /// `TurnedOff`; `Invalid` for a name or a value that is not allowed and for a model that cannot be loaded;
    /// `Conflict` where a model of this name is being loaded; `Unavailable` where something that the loading needs is
    /// not there for now.
    pub async fn execute(&self, request: LoadModelRequest) -> Result<LoadedModel, ApplicationError> {
        log_action("LoadModelUseCase.execute", async {
            let models = self.changes.catalog()?;
            let name = ModelName::parse("name", request.name)?;
            models.load(&name, request.spec).await.map_err(|error| ModelChanges::failed(&name, error))
        })
        .await
    }
}
