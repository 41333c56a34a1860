//! The adapter of the port `ModelLoader`: models from folders and from the Hugging Face hub, run in this process.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

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
use crate::model_folder::{FolderError, ModelFolder};
use crate::model_sources::ModelSources;
use crate::queue::QueueLimits;
use crate::resolve::{ModelSource, ResolveError};
use crate::settings::{ModelSettings, SettingsError};

/// Loads models from folders and from the hub into this process.
pub struct LocalModelLoader {
    hub: Arc<Hub>,
    /// For repositories that only a client has named.
    hub_without_token: Arc<Hub>,
    /// The most bytes of a model that a client loads.
    max_bytes: u64,
    /// What clients may load; without it, anything.
    sources: Option<ModelSources>,
    /// The repositories of the models that were resolved.
    configured_repos: Mutex<BTreeSet<String>>,
}

impl LocalModelLoader {
    /// A loader whose downloads are reported to `progress`. The files of a model that is loaded through the port, by a
    /// client, may have at most `max_bytes` together; [`resolve`](Self::resolve) takes the limit of its settings.
    pub fn new(hub: HubSettings, max_bytes: u64, progress: Arc<dyn DownloadProgress>) -> Self {
        Self { max_bytes, ..Self::over(Hub::new(hub, progress)) }
    }

    /// The same loader, through whose port nothing but `sources` can be loaded. Without `sources`, anything can, but
    /// the hub's token is used only for repositories that were [resolved](Self::resolve) before.
    pub fn with_sources(self, sources: Option<ModelSources>) -> Self {
        Self { sources, ..self }
    }

    fn over(hub: Hub) -> Self {
        Self {
            hub_without_token: Arc::new(hub.without_token()),
            hub: Arc::new(hub),
            max_bytes: ModelSettings::default().max_bytes,
            sources: None,
            configured_repos: Mutex::default(),
        }
    }

    #[cfg(test)]
    pub(crate) fn with_hub(hub: Hub) -> Self {
        Self::over(hub)
    }

    /// Finds the place of a model that the configuration names. Nothing is read or fetched yet.
    ///
    /// # Errors
    /// A folder that does not exist, or a malformed name on the hub.
    pub fn resolve(&self, settings: ModelSettings) -> Result<ResolvedModel, ResolveError> {
        let source = ModelSource::resolve(settings.path.as_deref())?;
        if let ModelSource::Hub(model) = &source {
            let mut repos = self.configured_repos.lock().unwrap_or_else(PoisonError::into_inner);
            repos.insert(model.repo().to_owned());
        }
        Ok(ResolvedModel { settings, source, hub: Arc::clone(&self.hub) })
    }

    /// Finds the place of a model that a client names, within the allowed sources.
    fn resolve_for_client(&self, settings: ModelSettings) -> Result<ResolvedModel, ResolveError> {
        let path = settings.path.as_deref();
        let source = match &self.sources {
            Some(sources) => ModelSource::resolve_within(path.unwrap_or(Path::new("")), sources)?,
            None => ModelSource::resolve(path)?,
        };
        let hub = if self.may_use_token(&source) { &self.hub } else { &self.hub_without_token };
        Ok(ResolvedModel { settings, source, hub: Arc::clone(hub) })
    }

    fn may_use_token(&self, source: &ModelSource) -> bool {
        let ModelSource::Hub(model) = source else { return false };
        // Sources that are set have allowed the repository by its name or its owner.
        self.sources.is_some()
            || self.configured_repos.lock().unwrap_or_else(PoisonError::into_inner).contains(model.repo())
    }
}

impl Default for LocalModelLoader {
    /// The default hub, with downloads reported in the log.
    fn default() -> Self {
        Self::over(Hub::new(HubSettings::default(), Arc::new(LoggedProgress::default())))
    }
}

#[async_trait]
impl ModelLoader for LocalModelLoader {
    async fn load(&self, name: &ModelName, spec: ModelSpec) -> Result<RunningModel, ModelLoadError> {
        let refuse = |SettingsError { key, reason }| ModelLoadError::NotLoadable { field: key, why: reason };
        let settings = ModelSettings::from_spec(spec, self.max_bytes).map_err(refuse)?;
        let settings = ModelSettings { name: Some(name.to_string()), ..settings };
        let model = self
            .resolve_for_client(settings)
            .map_err(|error| refuse(SettingsError::new("path", chain(&error))))?;
        let (model, loading) = model.start();
        loading.await?;
        Ok(model)
    }
}

/// The files of a model that is not loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelFiles {
    /// They are on this machine.
    Present {
        /// The folder.
        folder: PathBuf,
        /// The size of the weights.
        weight_bytes: u64,
    },
    /// They will be downloaded from the hub.
    ToDownload {
        /// The cache that they go to.
        cache: PathBuf,
    },
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

    /// Checks the files of the model that loading reads before the weights, and that the weights are there; downloads
    /// nothing.
    ///
    /// # Errors
    /// Files that are missing or that cannot be used.
    pub fn inspect(&self) -> Result<ModelFiles, LoadError> {
        let (folder, repo) = match &self.source {
            ModelSource::Folder(folder) => (folder.clone(), None),
            ModelSource::Hub(model) => match self.hub.cached(model) {
                Some(folder) => (folder, Some(model.repo())),
                None => return Ok(ModelFiles::ToDownload { cache: self.hub.cache() }),
            },
        };
        let files = ModelFolder::open(&folder)?;
        files.check_size(self.settings.max_bytes)?;
        // Which weights they are is known once they are read.
        loader::check_small_files(&files, &self.settings, repo.unwrap_or_default(), &|_| true)?;
        let mut weight_bytes = 0;
        for path in files.weights()? {
            let metadata = path.metadata().map_err(|_| FolderError::FileMissing { path: path.clone() })?;
            weight_bytes += metadata.len();
        }
        Ok(ModelFiles::Present { folder, weight_bytes })
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
        if self.settings.max_wait.is_some() {
            tracing::warn!(
                model = self.name(),
                "the setting max_wait of the model has no effect, since requests have deadlines; remove it"
            );
        }
        gateway::start(limits, move |cancel| self.load(cancel))
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
