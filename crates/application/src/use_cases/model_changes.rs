use std::sync::Arc;

use domain::value_objects::ModelName;

use crate::errors::ApplicationError;
use crate::ports::{CatalogError, ModelCatalog, ModelLoadError};

/// The setting that allows clients to change the catalog.
const SETTING: &str = "server.model_changes";

/// The catalog, which clients may change if the configuration allows it.
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

    /// Converts the error of a change of the model `name`.
    pub(super) fn convert(name: &ModelName, error: CatalogError) -> ApplicationError {
        let id = name.to_string();
        match error {
            CatalogError::NotFound => ApplicationError::NotFound { entity: "model", id },
            CatalogError::Busy => ApplicationError::Conflict { entity: "model", id },
            CatalogError::IsDefault => ApplicationError::DefaultModel { name: id },
            CatalogError::NotLoaded(ModelLoadError::NotLoadable { field, why }) => {
                ApplicationError::ModelNotLoadable { field, why }
            }
            CatalogError::NotLoaded(error @ ModelLoadError::Unavailable { .. }) => {
                ApplicationError::Unavailable { what: "model", source: error.into() }
            }
        }
    }
}
