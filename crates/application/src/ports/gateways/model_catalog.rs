use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use domain::value_objects::ModelName;

use crate::ports::{MlGateway, ModelInfo};

/// The models that are served, each under its name; one of them, the default, answers whoever names none.
///
/// Implementations must give a model that was loaded under the name of another in its place at once and wholly, so
/// that at no time there is none of that name; must leave everything as it was where a model cannot be loaded, or
/// where nobody waits for it any more; must let those who were given a model use it to the end, whatever becomes of
/// its name; must give its memory back when the last of them has let go; must log each loading that fails, for its
/// caller may have hung up; and must bound how many models it takes in.
#[async_trait]
pub trait ModelCatalog: Send + Sync {
    /// The model of this name, the default where there is none. No model where none has the name; one that is still
    /// loading is given, and answers for itself.
    fn choose(&self, name: Option<&str>) -> Option<Arc<dyn MlGateway>>;

    /// The models that are loaded: the default, then the others by name.
    fn models(&self) -> Vec<ServedModel>;

    /// Loads a model beside those that are served, and serves it as `name` when it is there, in the place of another
    /// of that name. Dropping the future gives the loading up.
    ///
    /// # Errors
    /// `Busy`, `NotLoadable`, `Unavailable`.
    async fn load(&self, name: &ModelName, spec: ModelSpec) -> Result<LoadedModel, CatalogError>;

    /// Serves the model `name` no more.
    ///
    /// # Errors
    /// `NotFound`, `IsDefault`, `Busy`.
    fn unload(&self, name: &ModelName) -> Result<(), CatalogError>;
}

/// A model that is served.
#[derive(Debug, Clone, PartialEq)]
pub struct ServedModel {
    /// Whether it answers those who name no model.
    pub is_default: bool,
    /// What is known of it; its name is the one it is served under.
    pub info: Arc<ModelInfo>,
}

/// What came of a loading.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedModel {
    /// The model that is served now.
    pub model: ServedModel,
    /// Whether there was another of its name.
    pub replaced: bool,
}

/// Which model is to be loaded and how it is to be run, as the caller said it: by the keys of a model's section in the
/// configuration, with their defaults where there is nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelSpec {
    /// The folder, or its name under `models/`.
    pub path: String,
    /// The arithmetic.
    pub precision: Option<String>,
    /// Where it runs.
    pub device: Option<String>,
    /// The most tokens of a window.
    pub window: Option<i64>,
    /// The tokens that two windows share.
    pub overlap: Option<i64>,
    /// How labels become sentiments.
    pub labels: Option<LabelsSpec>,
    /// How many batches are computed at once.
    pub threads: Option<i64>,
    /// The most tokens of a batch.
    pub max_batch_tokens: Option<i64>,
    /// The most tokens that wait.
    pub max_queue_tokens: Option<i64>,
    /// The most texts that wait.
    pub max_queue_items: Option<i64>,
    /// The longest that a text waits, in seconds.
    pub max_wait: Option<f64>,
}

/// How a model's labels become sentiments, as the caller said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabelsSpec {
    /// By a rule of this name.
    Rule(String),
    /// By a table of labels and sentiments.
    Table(BTreeMap<String, String>),
}

/// Why the catalog stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// No model has this name.
    #[error("there is no such model")]
    NotFound,
    /// Somebody else loads a model of this name at this time.
    #[error("a model of this name is being loaded")]
    Busy,
    /// The default cannot be taken away.
    #[error("it is the default model")]
    IsDefault,
    /// The model cannot be loaded.
    #[error("the model cannot be loaded: {field}: {why}")]
    NotLoadable {
        /// The key of the spec that is at fault.
        field: &'static str,
        /// What is wrong with it, in words that say what to do.
        why: String,
    },
    /// The model may well be in order, but something that its loading needs is not there for now.
    #[error("no model can be loaded for now: {why}")]
    Unavailable {
        /// What is not there, and why.
        why: String,
    },
}
