//! The models of the configuration, and how more are made at run time.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use anyhow::Context;
use application::action::chain;
use application::ports::{CatalogError, DownloadProgress, ModelSpec};
use async_trait::async_trait;
use domain::value_objects::ModelName;
use futures_util::future::try_join_all;
use infra_local::{CachedMlGateway, CatalogModel, LocalModelCatalog, ModelMaker, MokaCacheGateway};
use infra_ml::{HubSettings, LoadError, Loading, LocalMlGateway, LoggedProgress, ModelSettings, ModelSource};

use crate::config::{BadKey, ModelSection, Settings};
use crate::{model_folder, model_source};

/// The models of this process.
pub(crate) struct Models {
    pub(crate) catalog: Arc<LocalModelCatalog>,
    maker: Arc<LocalModelMaker>,
}

/// What the configuration says of the models: each with the name that it bears in answers.
pub(crate) struct ConfiguredModels {
    default: (String, ModelSettings),
    others: Vec<(String, ModelSettings)>,
    hub: Arc<HubSettings>,
}

/// The models that are being loaded at start. It holds them, so that one whose name is given to another meanwhile is
/// loaded to its end all the same, and is no failure.
pub(crate) struct Starting(Vec<(String, Arc<LocalMlGateway>, Loading)>);

impl Starting {
    /// Waits until all are there.
    ///
    /// # Errors
    /// The first that cannot be loaded, with its section.
    pub(crate) async fn finish(self) -> anyhow::Result<()> {
        let finish = |(section, _gateway, loading): (String, Arc<LocalMlGateway>, Loading)| async move {
            match loading.await {
                Err(error) if section == DEFAULT_SECTION => Err(error.into()),
                loaded => loaded.context(section),
            }
        };
        try_join_all(self.0.into_iter().map(finish)).await.map(drop)
    }
}

/// The section of the default model: who has no other need not be told which one it is.
const DEFAULT_SECTION: &str = "model";

impl ConfiguredModels {
    /// Finds where the models are. Downloads, which come with the loading, are reported to `progress`, or else to the log.
    ///
    /// # Errors
    /// A folder that cannot be found, or a name that two models have.
    pub(crate) fn find(
        settings: &Settings,
        progress: Option<Arc<dyn DownloadProgress>>,
    ) -> anyhow::Result<Self> {
        let progress = progress.unwrap_or_else(|| Arc::new(LoggedProgress::default()));
        let hub = Arc::new(settings.hub.to_adapter(progress));
        let default = default_model(&settings.model, &hub)?;
        let other = |(name, section): (&String, &ModelSection)| {
            anyhow::ensure!(*name != default.0, "configuration: models.{name} has the default model's name");
            other_model(name, section, &hub).context(format!("models.{name}"))
        };
        let others = settings.models.iter().map(other).collect::<anyhow::Result<_>>()?;
        Ok(Self { default, others, hub })
    }

    /// The model `name` alone, as the default; that of the configuration where there is none.
    fn only(mut self, name: Option<&str>) -> anyhow::Result<Self> {
        if let Some(name) = name.filter(|name| *name != self.default.0) {
            let found = self.others.iter().position(|(other, _)| other == name);
            self.default = self.others.swap_remove(found.with_context(|| self.no_model(name))?);
        }
        Ok(Self { others: Vec::new(), ..self })
    }

    fn no_model(&self, name: &str) -> String {
        let others = self.others.iter().map(|(other, _)| other.as_str());
        let known: Vec<&str> = [self.default.0.as_str()].into_iter().chain(others).collect();
        format!("there is no model {name:?} in the configuration, which has {}", known.join(", "))
    }
}

impl Models {
    /// Starts to load the models, each behind `cache` where there is one.
    pub(crate) fn start(
        configured: ConfiguredModels,
        cache: Option<Arc<MokaCacheGateway>>,
    ) -> (Self, Starting) {
        let maker = Arc::new(LocalModelMaker { cache, hub: configured.hub, made: Mutex::default() });
        let (name, settings) = configured.default;
        let (model, gateway, loading) = maker.start(settings);
        let catalog = Arc::new(LocalModelCatalog::new(name, model, maker.clone()));
        let mut starting = vec![(DEFAULT_SECTION.to_owned(), gateway, loading)];
        for (name, settings) in configured.others {
            let (model, gateway, loading) = maker.start(settings);
            starting.push((format!("models.{name}"), gateway, loading));
            catalog.add(name, model);
        }
        (Self { catalog, maker }, Starting(starting))
    }

    /// Loads every model of `settings`.
    ///
    /// # Errors
    /// Those of [`ConfiguredModels::find`] and of [`Starting::finish`].
    pub(crate) async fn load_all(
        settings: &Settings,
        progress: Option<Arc<dyn DownloadProgress>>,
    ) -> anyhow::Result<Self> {
        Self::load(ConfiguredModels::find(settings, progress)?).await
    }

    /// Loads the model `name` alone, the default of `settings` where there is none.
    ///
    /// # Errors
    /// As [`Models::load_all`], and a name that no model has.
    pub(crate) async fn load_one(
        settings: &Settings,
        name: Option<&str>,
        progress: Option<Arc<dyn DownloadProgress>>,
    ) -> anyhow::Result<Self> {
        Self::load(ConfiguredModels::find(settings, progress)?.only(name)?).await
    }

    async fn load(configured: ConfiguredModels) -> anyhow::Result<Self> {
        let (models, starting) = Self::start(configured, None);
        starting.finish().await?;
        Ok(models)
    }

    /// Stops every model that is still there, and waits for what each is at.
    pub(crate) async fn stop(&self) {
        let made: Vec<_> = self.maker.made().iter().filter_map(Weak::upgrade).collect();
        for model in made {
            model.stop().await;
        }
    }
}

/// The model that answers whoever names none.
fn default_model(section: &ModelSection, hub: &Arc<HubSettings>) -> anyhow::Result<(String, ModelSettings)> {
    let source = model_source::find(section.path.as_deref(), hub)?;
    let name = section.name.clone().unwrap_or_else(|| match &source {
        ModelSource::Folder(folder) => model_folder::name(folder),
        ModelSource::Hub { model, .. } => model.name().to_owned(),
    });
    let model = section.to_adapter(source).map_err(|bad| anyhow::anyhow!(bad.within(DEFAULT_SECTION)))?;
    Ok((name.clone(), ModelSettings { name: Some(name), ..model }))
}

/// A model beside it.
fn other_model(
    name: &str,
    section: &ModelSection,
    hub: &Arc<HubSettings>,
) -> anyhow::Result<(String, ModelSettings)> {
    let source = model_source::find(section.path.as_deref(), hub)?;
    let model = section.to_adapter(source).map_err(|bad| anyhow::anyhow!("{}: {}", bad.key, bad.reason))?;
    Ok((name.to_owned(), ModelSettings { name: Some(name.to_owned()), ..model }))
}

/// Makes a gateway for each model, and knows those that still live, so that they can be stopped.
struct LocalModelMaker {
    cache: Option<Arc<MokaCacheGateway>>,
    hub: Arc<HubSettings>,
    made: Mutex<Vec<Weak<LocalMlGateway>>>,
}

impl LocalModelMaker {
    /// Starts to load a model.
    fn start(&self, settings: ModelSettings) -> (CatalogModel, Arc<LocalMlGateway>, Loading) {
        let (gateway, loading) = LocalMlGateway::start(settings);
        let mut made = self.made();
        made.retain(|model| model.strong_count() > 0);
        made.push(Arc::downgrade(&gateway));
        let health = gateway.health();
        let model = match &self.cache {
            Some(cache) => CatalogModel {
                gateway: Arc::new(CachedMlGateway::new(gateway.clone(), cache.clone())),
                health,
            },
            None => CatalogModel { gateway: gateway.clone(), health },
        };
        (model, gateway, loading)
    }

    fn made(&self) -> MutexGuard<'_, Vec<Weak<LocalMlGateway>>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl ModelMaker for LocalModelMaker {
    async fn make(&self, name: &ModelName, spec: ModelSpec) -> Result<CatalogModel, CatalogError> {
        let bad_key = |BadKey { key, reason }| CatalogError::NotLoadable { field: key, why: reason };
        let bad_path =
            |error: anyhow::Error| CatalogError::NotLoadable { field: "path", why: format!("{error:#}") };
        let path = spec.path.clone();
        let section = ModelSection::try_from(spec).map_err(bad_key)?;
        let source = model_source::find(Some(Path::new(&path)), &self.hub).map_err(bad_path)?;
        let settings = section.to_adapter(source).map_err(bad_key)?;
        let (model, _gateway, loading) =
            self.start(ModelSettings { name: Some(name.to_string()), ..settings });
        loading.await.map_err(|error| refusal(&error))?;
        Ok(model)
    }
}

/// What the caller is told: what is wrong with the model, or that it is not for the model that it was not loaded.
fn refusal(error: &LoadError) -> CatalogError {
    let why = chain(error);
    if error.is_ours() {
        CatalogError::Unavailable { why }
    } else {
        CatalogError::NotLoadable { field: error.key(), why }
    }
}
