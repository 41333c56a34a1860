use std::sync::Arc;

use async_trait::async_trait;
use domain::value_objects::ModelName;

use crate::ports::{MlGateway, ModelInfo, ModelLoadError, ModelSpec};

/// The served models by name; one of them is the default, for requests that name none.
///
/// Implementations must replace a model of the same name at once and wholly, so that the name always has a model; must
/// change nothing when a model cannot be loaded or the future of the loading is dropped; must leave a model that
/// [`choose`](Self::choose) returned usable, whatever happens to its name; must free a model's memory when its last
/// user drops it; must log each loading that fails, since its client may be gone; and must bound how many models they
/// load.
#[async_trait]
pub trait ModelCatalog: Send + Sync {
    /// Returns the model `name`, or the default. None where no model has the name; a model that is still loading is
    /// returned, and its gateway answers [`Unavailable`](crate::ports::MlError::Unavailable).
    fn choose(&self, name: Option<&str>) -> Option<Arc<dyn MlGateway>>;

    /// Lists the models that are loaded: the default, then the others by name.
    fn models(&self) -> Vec<ServedModel>;

    /// Loads a model beside those that are served, then serves it as `name`, replacing one of that name. Dropping the
    /// future gives the loading up.
    ///
    /// # Errors
    /// `Busy`, `NotLoaded`.
    async fn load(&self, name: &ModelName, spec: ModelSpec) -> Result<LoadedModel, CatalogError>;

    /// Stops serving the model `name`.
    ///
    /// # Errors
    /// `NotFound`, `IsDefault`, `Busy`.
    fn unload(&self, name: &ModelName) -> Result<(), CatalogError>;
}

/// A catalog entry as it is reported.
#[derive(Debug, Clone, PartialEq)]
pub struct ServedModel {
    /// Whether requests that name no model get this one.
    pub is_default: bool,
    /// What is known of it; its name is the one it is served under.
    pub info: Arc<ModelInfo>,
}

/// Result of loading a model.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedModel {
    /// The model, which is served now.
    pub model: ServedModel,
    /// Whether it replaced one of the same name.
    pub replaced: bool,
}

/// Why the catalog did not change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// No model has this name.
    #[error("there is no such model")]
    NotFound,
    /// Another request is changing the model of this name.
    #[error("a model of this name is being loaded")]
    Busy,
    /// The default cannot be unloaded.
    #[error("it is the default model")]
    IsDefault,
    /// The model was not loaded.
    #[error(transparent)]
    NotLoaded(#[from] ModelLoadError),
}
