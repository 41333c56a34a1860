use domain::errors::{DomainError, Rule};
use domain::value_objects::{AuditAction, ModelName};

use crate::action::log_action;
use crate::dtos::LoadModelRequest;
use crate::errors::ApplicationError;
use crate::ports::LoadedModel;
use crate::use_cases::model_changes::{ModelChange, ModelChanges};

/// Loads a model while the others serve, then serves it.
pub struct LoadModelUseCase {
    changes: ModelChanges,
}

impl LoadModelUseCase {
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

    /// Returns the model once it is served.
    ///
    /// # Errors
    /// `TurnedOff`; `Invalid` for an invalid name or setting and for a model that cannot be loaded; `Conflict` while a
    /// model of this name is being loaded; `Unavailable` if something that loading needs is temporarily missing.
    pub async fn execute(&self, request: LoadModelRequest) -> Result<LoadedModel, ApplicationError> {
        log_action("LoadModelUseCase.execute", async {
            let models = self.changes.catalog()?;
            let name = ModelName::parse("name", request.name)?;
            check_path(&request.spec.path)?;
            let change = ModelChange {
                name: &name,
                tenant: &request.tenant,
                actor: &request.actor,
                actions: [AuditAction::ModelLoad, AuditAction::ModelLoadFailed],
                detail: Some(request.spec.path.clone()),
            };
            self.changes.make(change, models.load(&name, request.spec)).await
        })
        .await
    }
}

/// The most characters of a path: no system has longer ones.
const MAX_PATH_CHARS: usize = 4_096;

/// Checks that the audit can store the path.
fn check_path(path: &str) -> Result<(), DomainError> {
    let chars = path.chars().count();
    let rule = if path.contains('\0') {
        Rule::ContainsNul
    } else if chars > MAX_PATH_CHARS {
        Rule::TooLong { max: MAX_PATH_CHARS, actual: chars }
    } else {
        return Ok(());
    };
    Err(DomainError::violation("path", rule))
}
