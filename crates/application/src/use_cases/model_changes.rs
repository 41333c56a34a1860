use std::sync::Arc;

use domain::errors::{DomainError, Rule};
use domain::value_objects::ModelName;

use crate::errors::ApplicationError;
use crate::ports::{CatalogError, ModelCatalog};

/// The setting that lets callers change the catalog.
const SETTING: &str = "server.model_changes";

/// The catalog for those who change it: anybody may where the configuration says so, nobody else.
pub(super) struct ModelChanges {
    pub(super) models: Arc<dyn ModelCatalog>,
    pub(super) allowed: bool,
}

impl ModelChanges {
    pub(super) fn catalog(&self) -> Result<&dyn ModelCatalog, ApplicationError> {
        if self.allowed {
            Ok(self.models.as_ref())
        } else {
            Err(ApplicationError::TurnedOff { what: "changing models", setting: SETTING })
        }
    }

    /// What the caller is told where the change of the model `name` failed.
    pub(super) fn failed(name: &ModelName, error: CatalogError) -> ApplicationError {
        let id = name.to_string();
        match error {
            CatalogError::NotFound => ApplicationError::NotFound { entity: "model", id },
            CatalogError::Busy => ApplicationError::Conflict { entity: "model", id },
            CatalogError::IsDefault => ApplicationError::DefaultModel { name: id },
            CatalogError::NotLoadable { field, why } => {
                DomainError::violation(field, Rule::NotLoadable { why }).into()
            }
            CatalogError::Unavailable { .. } => {
                ApplicationError::Unavailable { what: "model", source: error.into() }
            }
        }
    }
}
