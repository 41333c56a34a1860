use std::sync::Arc;

use domain::value_objects::ModelName;

use crate::action::log_action;
use crate::dtos::LoadModelRequest;
use crate::errors::ApplicationError;
use crate::ports::{LoadedModel, ModelCatalog};
use crate::use_cases::model_changes::ModelChanges;

/// Loads a model while the others serve, then serves it.
pub struct LoadModelUseCase {
    changes: ModelChanges,
}

impl LoadModelUseCase {
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

    /// Returns the model once it is served.
    ///
    /// # Errors
    /// `TurnedOff`; `Invalid` for an invalid name or setting and for a model that cannot be loaded; `Conflict` while a
    /// model of this name is being loaded; `Unavailable` if something that loading needs is temporarily missing.
    pub async fn execute(&self, request: LoadModelRequest) -> Result<LoadedModel, ApplicationError> {
        log_action("LoadModelUseCase.execute", async {
            let models = self.changes.catalog()?;
            let name = ModelName::parse("name", request.name)?;
            models.load(&name, request.spec).await.map_err(|error| ModelChanges::convert(&name, error))
        })
        .await
    }
}
