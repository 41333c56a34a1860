//! The adapter of the port `ModelLoader`: models from folders and from the Hugging Face hub, run in this process.

use std::sync::Arc;

use application::action::chain;
use application::ports::{
    DownloadProgress, ModelLoadError, ModelLoader, ModelOrigin, ModelSpec, RunningModel,
};
use async_trait::async_trait;
use domain::value_objects::ModelName;
use tokio_util::sync::CancellationToken;

use crate::gateway::{self, LocalMlGateway};
use crate::hub::{Hub, HubSettings, LoggedProgress, Requirements, Snapshot};
use crate::load_error::LoadError;
use crate::loader::{self, Engines, ModelFrontEnd};
use crate::loading::Loading;
use crate::model_folder::ModelFolder;
use crate::queue::QueueLimits;
use crate::resolve::{ModelSource, ResolveError};
use crate::settings::{ModelSettings, SettingsError};

/// Loads models from folders and from the hub into this process.
pub struct LocalModelLoader {
    hub: Arc<Hub>,
    /// The most bytes of a model that a client loads.
    max_bytes: u64,
}

impl LocalModelLoader {
    /// A loader whose downloads are reported to `progress`. The files of a model that is loaded through the port, by a
    /// client, may have at most `max_bytes` together; [`resolve`](Self::resolve) takes the limit of its settings.
    pub fn new(hub: HubSettings, max_bytes: u64, progress: Arc<dyn DownloadProgress>) -> Self {
        Self { hub: Arc::new(Hub::new(hub, progress)), max_bytes }
    }

    #[cfg(test)]
    pub(crate) fn with_hub(hub: Hub) -> Self {
        Self { hub: Arc::new(hub), ..Self::default() }
    }

    /// Finds the place of the model of `settings`. Nothing is read or fetched yet.
    ///
    /// # Errors
    /// A folder that does not exist, or a malformed name on the hub.
    pub fn resolve(&self, settings: ModelSettings) -> Result<ResolvedModel, ResolveError> {
        let source = ModelSource::resolve(settings.path.as_deref())?;
        Ok(ResolvedModel { settings, source, hub: Arc::clone(&self.hub) })
    }
}

impl Default for LocalModelLoader {
    /// The default hub, with downloads reported in the log.
    fn default() -> Self {
        let max_bytes = ModelSettings::default().max_bytes;
        Self::new(HubSettings::default(), max_bytes, Arc::new(LoggedProgress::default()))
    }
}

#[async_trait]
impl ModelLoader for LocalModelLoader {
    async fn load(&self, name: &ModelName, spec: ModelSpec) -> Result<RunningModel, ModelLoadError> {
        let refuse = |SettingsError { key, reason }| ModelLoadError::NotLoadable { field: key, why: reason };
        let settings = ModelSettings::from_spec(spec, self.max_bytes).map_err(refuse)?;
        let settings = ModelSettings { name: Some(name.to_string()), ..settings };
        let model =
            self.resolve(settings).map_err(|error| refuse(SettingsError::new("path", chain(&error))))?;
        let (model, loading) = model.start();
        loading.await?;
        Ok(model)
    }
}

/// A model whose place is known.
pub struct ResolvedModel {
    settings: ModelSettings,
    source: ModelSource,
    hub: Arc<Hub>,
}

impl ResolvedModel {
    /// The name that predictions carry.
    pub fn name(&self) -> String {
        self.settings.name.clone().unwrap_or_else(|| self.source.name())
    }

    /// Starts to load the model on a thread of its own. Until it is loaded, its gateway answers `Unavailable`.
    pub fn start(self) -> (RunningModel, Loading) {
        let (gateway, loading) = self.start_gateway();
        (RunningModel { gateway: gateway.clone(), lifecycle: gateway }, loading)
    }

    pub(crate) fn start_gateway(self) -> (Arc<LocalMlGateway>, Loading) {
        let limits = QueueLimits {
            items: self.settings.max_queue_items,
            tokens: self.settings.max_queue_tokens,
            batch_tokens: self.settings.max_batch_tokens.unwrap_or(usize::MAX),
        };
        gateway::start(limits, self.settings.max_wait.duration(), move |cancel| self.load(cancel))
    }

    /// Loads the model on this thread, after fetching it where it is on the hub.
    fn load(&self, cancel: &CancellationToken) -> Result<(Engines, ModelFrontEnd), LoadError> {
        let (folder, origin) = match &self.source {
            ModelSource::Folder(folder) => (folder.clone(), ModelOrigin::Folder),
            ModelSource::Hub(model) => {
                let check = |folder: &ModelFolder, has_weights: &dyn Fn(&str) -> bool| {
                    loader::check_small_files(folder, &self.settings, model.repo(), has_weights)
                };
                let requirements = Requirements { max_bytes: self.settings.max_bytes, check: &check };
                let Snapshot { folder, commit } = self.hub.fetch(model, &requirements, cancel)?;
                let (repo, revision) = (model.repo().to_owned(), model.revision().to_owned());
                (folder, ModelOrigin::Hub { repo, revision, commit })
            }
        };
        loader::load(self.name(), &self.settings, &ModelFolder::open(&folder)?, origin)
    }
}

#[cfg(test)]
impl ResolvedModel {
    /// The model in the folder `settings.path`, whether or not there is one.
    pub(crate) fn of_folder(settings: ModelSettings) -> Self {
        let source = ModelSource::Folder(settings.path.clone().unwrap());
        Self { settings, source, hub: LocalModelLoader::default().hub }
    }
}
