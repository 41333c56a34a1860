use domain::value_objects::{AuditAction, ModelName};

use crate::action::log_action;
use crate::dtos::UnloadModelRequest;
use crate::errors::ApplicationError;
use crate::use_cases::model_changes::{ModelChange, ModelChanges};

/// Unloads a model; requests in flight finish with it.
pub struct UnloadModelUseCase {
    changes: ModelChanges,
}

impl UnloadModelUseCase {
    /// The use case over the catalog.
    pub fn new(changes: ModelChanges) -> Self {
        Self { changes }
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
            let change = ModelChange {
                name: &name,
                tenant: &request.tenant,
                actor: &request.actor,
                actions: [AuditAction::ModelUnload, AuditAction::ModelUnloadFailed],
                detail: None,
            };
            self.changes.make(change, async { models.unload(&name) }).await
        })
        .await
    }
}
