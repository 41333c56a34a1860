//! The models of this process by name. A [`ModelLoader`] makes those that are added at run time.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use application::errors::BoxError;
use application::ports::{
    CacheGateway, CatalogError, HealthCheck, LoadedModel, MlGateway, ModelCatalog, ModelLoadError,
    ModelLoader, ModelSpec, RunningModel, ServedModel,
};
use async_trait::async_trait;
use domain::value_objects::ModelName;
use futures_util::future::join_all;
use futures_util::lock::Mutex as AsyncMutex;

use crate::cached_ml_gateway::CachedMlGateway;

/// The models of this process, each behind the cache where there is one.
///
/// A model ends when its name was given to another or unloaded and the last request that uses it has ended: every user
/// of a gateway shares its ownership.
pub struct LocalModelCatalog {
    default: String,
    loader: Arc<dyn ModelLoader>,
    cache: Option<Arc<dyn CacheGateway>>,
    models: RwLock<BTreeMap<String, RunningModel>>,
    /// The names that are being loaded or unloaded.
    changing: Mutex<HashSet<String>>,
    /// Held by the one loading in progress, so that memory must suffice for one model more than are served.
    loading: AsyncMutex<()>,
}

impl LocalModelCatalog {
    /// The most models that are loaded at run time: each is memory, threads and a label of the metrics. The
    /// configuration may name more.
    pub const MAX_MODELS: usize = 32;

    /// A catalog of the default model alone, which may still be loading.
    pub fn new(
        name: impl Into<String>,
        model: RunningModel,
        loader: Arc<dyn ModelLoader>,
        cache: Option<Arc<dyn CacheGateway>>,
    ) -> Self {
        let catalog = Self {
            default: name.into(),
            loader,
            cache,
            models: RwLock::default(),
            changing: Mutex::default(),
            loading: AsyncMutex::default(),
        };
        catalog.add(catalog.default.clone(), model);
        catalog
    }

    /// Adds a model, which may still be loading. Returns the one that it replaced.
    pub fn add(&self, name: impl Into<String>, model: RunningModel) -> Option<RunningModel> {
        let RunningModel { mut gateway, lifecycle } = model;
        if let Some(cache) = &self.cache {
            gateway = Arc::new(CachedMlGateway::new(gateway, Arc::clone(cache)));
        }
        self.models_mut().insert(name.into(), RunningModel { gateway, lifecycle })
    }

    /// The health check `model`, which covers all models.
    pub fn health(self: &Arc<Self>) -> Arc<dyn HealthCheck> {
        Arc::new(CatalogHealthCheck(Arc::clone(self)))
    }

    /// Stops all served models and waits until each has ended.
    pub async fn stop(&self) {
        let models = self.models().clone();
        join_all(models.values().map(|model| model.lifecycle.stop())).await;
    }

    /// Loads a model after those requested before it, and serves it.
    async fn load_and_serve(&self, name: &ModelName, spec: ModelSpec) -> Result<LoadedModel, CatalogError> {
        let _reservation = self.reserve_for_load(name)?;
        let _turn = self.loading.lock().await;
        let model = self.loader.load(name, spec).await?;
        let stopped = || ModelLoadError::Unavailable { why: "it stopped at once".to_owned() };
        let served = self.served(name.as_str(), &model).ok_or_else(stopped)?;
        let replaced = self.add(name.to_string(), model);
        Ok(LoadedModel { model: served, replaced: replaced.is_some() })
    }

    /// Reserves the name for a loading, if the catalog has room for it.
    fn reserve_for_load(&self, name: &ModelName) -> Result<ReservedName<'_>, CatalogError> {
        let changing = self.changing();
        if !self.has_room_for(name.as_str(), &changing) {
            let most = Self::MAX_MODELS;
            let why =
                format!("{most} models are served or being loaded, which is the most; unload one first");
            return Err(ModelLoadError::NotLoadable { field: "name", why }.into());
        }
        self.reserve(changing, name)
    }

    /// Adds the name to those being changed, unless it is one of them.
    fn reserve(
        &self,
        mut changing: MutexGuard<'_, HashSet<String>>,
        name: &ModelName,
    ) -> Result<ReservedName<'_>, CatalogError> {
        if !changing.insert(name.to_string()) {
            return Err(CatalogError::Busy);
        }
        Ok(ReservedName { catalog: self, name: name.to_string() })
    }

    /// Whether the name is in use, or fewer models than the most are served and being loaded.
    fn has_room_for(&self, name: &str, changing: &HashSet<String>) -> bool {
        let models = self.models();
        let new = changing.iter().filter(|other| !models.contains_key(*other)).count();
        models.contains_key(name) || changing.contains(name) || models.len() + new < Self::MAX_MODELS
    }

    fn served(&self, name: &str, model: &RunningModel) -> Option<ServedModel> {
        let info = model.gateway.info()?;
        Some(ServedModel { is_default: name == self.default, info })
    }

    fn models(&self) -> RwLockReadGuard<'_, BTreeMap<String, RunningModel>> {
        self.models.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn models_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<String, RunningModel>> {
        self.models.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn changing(&self) -> MutexGuard<'_, HashSet<String>> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl ModelCatalog for LocalModelCatalog {
    fn choose(&self, name: Option<&str>) -> Option<Arc<dyn MlGateway>> {
        let models = self.models();
        models.get(name.unwrap_or(&self.default)).map(|model| Arc::clone(&model.gateway))
    }

    fn models(&self) -> Vec<ServedModel> {
        let models = self.models();
        let mut served: Vec<_> = models.iter().filter_map(|(name, model)| self.served(name, model)).collect();
        // A stable sort: the others stay in the order of their names.
        served.sort_by_key(|model| !model.is_default);
        served
    }

    async fn load(&self, name: &ModelName, spec: ModelSpec) -> Result<LoadedModel, CatalogError> {
        let outcome = self.load_and_serve(name, spec).await;
        log_outcome(name, &outcome);
        outcome
    }

    fn unload(&self, name: &ModelName) -> Result<(), CatalogError> {
        if name.as_str() == self.default {
            return Err(CatalogError::IsDefault);
        }
        let _reservation = self.reserve(self.changing(), name)?;
        // Bound to a name, so that the model is dropped after the lock is released.
        let removed = self.models_mut().remove(name.as_str());
        removed.ok_or(CatalogError::NotFound)?;
        tracing::info!(model = name.as_str(), "a model was unloaded");
        Ok(())
    }
}

/// Logs the result of a loading, since its client may have disconnected.
fn log_outcome(name: &ModelName, outcome: &Result<LoadedModel, CatalogError>) {
    let model = name.as_str();
    match outcome {
        Ok(LoadedModel { model: served, replaced }) => {
            tracing::info!(model, revision = served.info.model.revision(), replaced, "a model was loaded");
        }
        Err(CatalogError::NotLoaded(ModelLoadError::NotLoadable { field, why })) => {
            tracing::warn!(model, field, reason = why, "a model could not be loaded");
        }
        Err(CatalogError::NotLoaded(ModelLoadError::Unavailable { why })) => {
            tracing::warn!(model, reason = why, "a model could not be loaded for now");
        }
        // No loading was begun.
        Err(CatalogError::Busy | CatalogError::NotFound | CatalogError::IsDefault) => {}
    }
}

/// A name that no other change may use, until this is dropped.
struct ReservedName<'a> {
    catalog: &'a LocalModelCatalog,
    name: String,
}

impl Drop for ReservedName<'_> {
    fn drop(&mut self) {
        self.catalog.changing().remove(&self.name);
    }
}

/// Fails while any model of the catalog cannot classify.
struct CatalogHealthCheck(Arc<LocalModelCatalog>);

#[derive(Debug, thiserror::Error)]
#[error("the model {name} does not work")]
struct ModelFails {
    name: String,
    source: BoxError,
}

#[async_trait]
impl HealthCheck for CatalogHealthCheck {
    fn name(&self) -> &'static str {
        "model"
    }

    async fn check(&self) -> Result<(), BoxError> {
        let models = self.0.models().clone();
        for (name, model) in models {
            model.lifecycle.check().await.map_err(|source| ModelFails { name, source })?;
        }
        Ok(())
    }
}
