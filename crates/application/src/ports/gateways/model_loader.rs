use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use domain::value_objects::ModelName;

use crate::errors::BoxError;
use crate::ports::MlGateway;

/// Makes models from specs, wherever they run: in this process or behind another server.
///
/// Implementations must return a model only when it can classify, and must answer under the given name. When the
/// future is dropped, they must give the loading up and free what it took.
#[async_trait]
pub trait ModelLoader: Send + Sync {
    /// Loads the model of `spec` under `name`.
    ///
    /// # Errors
    /// See [`ModelLoadError`].
    async fn load(&self, name: &ModelName, spec: ModelSpec) -> Result<RunningModel, ModelLoadError>;
}

/// A model as its loader returns it. It runs until it is stopped or its last clone is dropped.
#[derive(Clone)]
pub struct RunningModel {
    /// Classifies with it.
    pub gateway: Arc<dyn MlGateway>,
    /// Checks and stops it.
    pub lifecycle: Arc<dyn ModelLifecycle>,
}

/// The state of a model, and its end.
#[async_trait]
pub trait ModelLifecycle: Send + Sync {
    /// Checks whether the model can classify. Implementations must return within two seconds.
    ///
    /// # Errors
    /// Why it cannot; for the log, never for a client.
    async fn check(&self) -> Result<(), BoxError>;

    /// Stops the model. Implementations must refuse new work at once, answer waiting work with
    /// [`Unavailable`](crate::ports::MlError::Unavailable), and return when work or loading in progress has ended. A
    /// second call must do nothing.
    async fn stop(&self);
}

/// Which model is loaded and how it runs, as a client sent it. The keys are those of a model's section in the
/// configuration; the loader checks them and has the defaults.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelSpec {
    /// The folder, its name under `models/`, or a repository of the Hugging Face hub.
    pub path: String,
    /// The arithmetic.
    pub precision: Option<String>,
    /// Where it runs.
    pub device: Option<String>,
    /// The most tokens of a window.
    pub window: Option<i64>,
    /// The tokens that two neighboring windows share.
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
    /// Has no effect: requests have deadlines.
    pub max_wait: Option<f64>,
}

/// How a model's labels become sentiments, as a client or the configuration says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabelsSpec {
    /// By a rule of this name.
    Rule(String),
    /// By a table from labels to sentiments.
    Table(BTreeMap<String, String>),
}

/// Why a model was not loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelLoadError {
    /// The spec, or the model that it names, cannot be used.
    #[error("the model cannot be loaded: {field}: {why}")]
    NotLoadable {
        /// The key of the spec that is at fault.
        field: &'static str,
        /// What is wrong with its value and what to do, safe to show to a client.
        why: String,
    },
    /// Something that any loading needs is missing for now, such as the network or room on the disk. Nothing is known
    /// against the model.
    #[error("no model can be loaded for now: {why}")]
    Unavailable {
        /// What is missing, and why.
        why: String,
    },
}
