//! The models of the configuration, and the catalog that serves them.

use std::sync::Arc;

use anyhow::Context;
use application::ports::{CacheGateway, DownloadProgress, RunningModel};
use futures_util::future::try_join_all;
use infra_local::LocalModelCatalog;
use infra_ml::{
    Loading, LocalModelLoader, LoggedProgress, ModelSettings, ModelSources, ResolvedModel, SettingsPlace,
};

use crate::config::Settings;

/// The section of the default model.
const DEFAULT_SECTION: &str = "model";

/// The configured models, each with its name and its place.
pub(crate) struct ConfiguredModels {
    loader: LocalModelLoader,
    default: ResolvedModel,
    others: Vec<ResolvedModel>,
}

impl ConfiguredModels {
    /// Resolves where the models are. Downloads, which come with the loading, are reported to `progress`, or else to
    /// the log. Models that clients load have the limit of the section `model`.
    ///
    /// # Errors
    /// A folder that does not exist, a name that two models have, or an invalid `server.model_sources`.
    pub(crate) fn resolve(
        settings: &Settings,
        progress: Option<Arc<dyn DownloadProgress>>,
    ) -> anyhow::Result<Self> {
        let progress = progress.unwrap_or_else(|| Arc::new(LoggedProgress::default()));
        let sources = settings.server.model_sources.as_deref().map(ModelSources::parse).transpose();
        let loader = LocalModelLoader::new(settings.hub.clone(), settings.model.max_bytes, progress)
            .with_sources(sources.context("configuration")?);
        let default = loader.resolve(settings.model.clone()).context("configuration")?;
        let other = |(name, section): (&String, &ModelSettings)| {
            anyhow::ensure!(
                *name != default.name(),
                "configuration: models.{name} has the default model's name"
            );
            let place = SettingsPlace::NamedSection(name.clone());
            let section = ModelSettings { name: Some(name.clone()), place, ..section.clone() };
            loader.resolve(section).context(format!("models.{name}"))
        };
        let others = settings.models.iter().map(other).collect::<anyhow::Result<_>>()?;
        Ok(Self { loader, default, others })
    }

    /// Returns the model `name` alone, as the default; without a name the configured default.
    ///
    /// # Errors
    /// A name that no model has.
    pub(crate) fn only(mut self, name: Option<&str>) -> anyhow::Result<Self> {
        if let Some(name) = name.filter(|name| *name != self.default.name()) {
            let place = self.others.iter().position(|other| other.name() == name);
            self.default = self.others.swap_remove(place.with_context(|| self.no_model(name))?);
        }
        Ok(Self { others: Vec::new(), ..self })
    }

    fn no_model(&self, name: &str) -> String {
        format!("there is no model {name:?} in the configuration, which has {}", self.names().join(", "))
    }

    /// The names of the models, the default's first.
    pub(crate) fn names(&self) -> Vec<String> {
        self.resolved().map(ResolvedModel::name).collect()
    }

    /// The models, the default first.
    pub(crate) fn resolved(&self) -> impl Iterator<Item = &ResolvedModel> {
        [&self.default].into_iter().chain(&self.others)
    }

    /// Starts to load all models, each behind `cache` where there is one.
    pub(crate) fn start(self, cache: Option<Arc<dyn CacheGateway>>) -> (Arc<LocalModelCatalog>, Starting) {
        let name = self.default.name();
        let (model, loading) = self.default.start();
        let mut starting = vec![(DEFAULT_SECTION.to_owned(), model.clone(), loading)];
        let catalog = LocalModelCatalog::new(name, model, Arc::new(self.loader), cache);
        for other in self.others {
            let name = other.name();
            let (model, loading) = other.start();
            starting.push((format!("models.{name}"), model.clone(), loading));
            catalog.add(name, model);
        }
        (Arc::new(catalog), Starting(starting))
    }

    /// Loads all models without a cache.
    ///
    /// # Errors
    /// Those of [`Starting::finish`].
    pub(crate) async fn load(self) -> anyhow::Result<Arc<LocalModelCatalog>> {
        let (catalog, starting) = self.start(None);
        starting.finish().await?;
        Ok(catalog)
    }
}

/// The models that are being loaded at start, by section. It shares their ownership, so that a model is loaded to its
/// end even if its name is given to another meanwhile.
pub(crate) struct Starting(Vec<(String, RunningModel, Loading)>);

impl Starting {
    /// Waits until all are loaded.
    ///
    /// # Errors
    /// The first that cannot be loaded, with its section unless it is the default's.
    pub(crate) async fn finish(self) -> anyhow::Result<()> {
        let finish = |(section, _model, loading): (String, RunningModel, Loading)| async move {
            match loading.await {
                Err(error) if section == DEFAULT_SECTION => Err(error.into()),
                loaded => loaded.context(section),
            }
        };
        try_join_all(self.0.into_iter().map(finish)).await.map(drop)
    }
}
