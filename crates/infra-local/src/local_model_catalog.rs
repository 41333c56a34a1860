//! The models of this process by name. What a model is and how it is loaded is the maker's business.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use application::errors::BoxError;
use application::ports::{
    CatalogError, HealthCheck, LoadedModel, MlGateway, ModelCatalog, ModelSpec, ServedModel,
};
use async_trait::async_trait;
use domain::value_objects::ModelName;
use futures_util::lock::Mutex as AsyncMutex;

/// A model as the catalog holds it.
#[derive(Clone)]
pub struct CatalogModel {
    /// The way to it.
    pub gateway: Arc<dyn MlGateway>,
    /// Whether it works.
    pub health: Arc<dyn HealthCheck>,
}

/// Makes models at run time.
#[async_trait]
pub trait ModelMaker: Send + Sync {
    /// The model of `spec`, loaded, which answers under `name`. Dropping the future must give the loading up.
    ///
    /// # Errors
    /// `NotLoadable`, `Unavailable`.
    async fn make(&self, name: &ModelName, spec: ModelSpec) -> Result<CatalogModel, CatalogError>;
}

/// The models of this process.
///
/// A model leaves the process when its name was given to another or taken away, and the last request that was given
/// it has ended: whoever holds the gateway holds the model.
pub struct LocalModelCatalog {
    default: String,
    maker: Arc<dyn ModelMaker>,
    models: RwLock<BTreeMap<String, CatalogModel>>,
    /// The names that are taken for a change.
    taken: Mutex<HashSet<String>>,
    /// Held by the one model that is being made at run time.
    turn: AsyncMutex<()>,
}

impl LocalModelCatalog {
    /// With so many models, no more are loaded at run time: each is memory, threads and a label of the metrics. The
    /// configuration may name more.
    pub const MAX_MODELS: usize = 32;

    /// A catalog of `model` alone, which is the default and answers as `name`.
    pub fn new(name: impl Into<String>, model: CatalogModel, maker: Arc<dyn ModelMaker>) -> Self {
        let default = name.into();
        let models = RwLock::new(BTreeMap::from([(default.clone(), model)]));
        Self { default, maker, models, taken: Mutex::default(), turn: AsyncMutex::default() }
    }

    /// Adds a model, which may still be loading.
    pub fn add(&self, name: impl Into<String>, model: CatalogModel) {
        self.models_mut().insert(name.into(), model);
    }

    /// The health check `model` of all models.
    pub fn health(self: &Arc<Self>) -> Arc<dyn HealthCheck> {
        Arc::new(CatalogHealthCheck(Arc::clone(self)))
    }

    /// Loads a model when its turn has come, and serves it.
    async fn make(&self, name: &ModelName, spec: ModelSpec) -> Result<LoadedModel, CatalogError> {
        let _taken = self.take_to_load(name)?;
        let _turn = self.turn.lock().await;
        let model = self.maker.make(name, spec).await?;
        let stopped = || CatalogError::Unavailable { why: "it stopped at once".to_owned() };
        let served = self.served(name.as_str(), &model).ok_or_else(stopped)?;
        // What was there is let go of after the lock.
        let old = self.models_mut().insert(name.to_string(), model);
        Ok(LoadedModel { model: served, replaced: old.is_some() })
    }

    /// Takes the name for one change, until what is returned is dropped.
    fn take(&self, name: &ModelName) -> Result<TakenName<'_>, CatalogError> {
        self.take_of(self.taken(), name)
    }

    /// Takes the name for a loading, where there is room for one more model.
    fn take_to_load(&self, name: &ModelName) -> Result<TakenName<'_>, CatalogError> {
        let taken = self.taken();
        if !self.has_room_for(name.as_str(), &taken) {
            let most = Self::MAX_MODELS;
            let why =
                format!("{most} models are served or being loaded, which is the most; unload one first");
            return Err(CatalogError::NotLoadable { field: "name", why });
        }
        self.take_of(taken, name)
    }

    /// Adds the name to those that are taken, unless it is one of them.
    fn take_of(
        &self,
        mut taken: MutexGuard<'_, HashSet<String>>,
        name: &ModelName,
    ) -> Result<TakenName<'_>, CatalogError> {
        if !taken.insert(name.to_string()) {
            return Err(CatalogError::Busy);
        }
        Ok(TakenName { catalog: self, name: name.to_string() })
    }

    /// Whether the name has a place already, or there is one left beside those of all models that are coming.
    fn has_room_for(&self, name: &str, taken: &HashSet<String>) -> bool {
        let models = self.models();
        let coming = taken.iter().filter(|other| !models.contains_key(*other)).count();
        models.contains_key(name) || taken.contains(name) || models.len() + coming < Self::MAX_MODELS
    }

    fn served(&self, name: &str, model: &CatalogModel) -> Option<ServedModel> {
        let info = model.gateway.info()?;
        Some(ServedModel { is_default: name == self.default, info })
    }

    fn models(&self) -> RwLockReadGuard<'_, BTreeMap<String, CatalogModel>> {
        self.models.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn models_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<String, CatalogModel>> {
        self.models.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn taken(&self) -> MutexGuard<'_, HashSet<String>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
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
        // The others keep their order, which is that of the names.
        served.sort_by_key(|model| !model.is_default);
        served
    }

    async fn load(&self, name: &ModelName, spec: ModelSpec) -> Result<LoadedModel, CatalogError> {
        let loaded = self.make(name, spec).await;
        log_outcome(name, &loaded);
        loaded
    }

    fn unload(&self, name: &ModelName) -> Result<(), CatalogError> {
        if name.as_str() == self.default {
            return Err(CatalogError::IsDefault);
        }
        let _taken = self.take(name)?;
        // What is taken out is let go of after the lock.
        let old = self.models_mut().remove(name.as_str());
        old.ok_or(CatalogError::NotFound)?;
        tracing::info!(model = name.as_str(), "a model was unloaded");
        Ok(())
    }
}

/// Who asked for the model may have hung up long ago: the log tells what became of it.
fn log_outcome(name: &ModelName, outcome: &Result<LoadedModel, CatalogError>) {
    let model = name.as_str();
    match outcome {
        Ok(LoadedModel { model: served, replaced }) => {
            tracing::info!(model, revision = served.info.model.revision(), replaced, "a model was loaded");
        }
        Err(CatalogError::NotLoadable { field, why }) => {
            tracing::warn!(model, field, reason = why, "a model could not be loaded");
        }
        Err(CatalogError::Unavailable { why }) => {
            tracing::warn!(model, reason = why, "a model could not be loaded for now");
        }
        // These say nothing of a model, and nothing was begun.
        Err(CatalogError::Busy | CatalogError::NotFound | CatalogError::IsDefault) => {}
    }
}

/// A name that is taken for a change.
struct TakenName<'a> {
    catalog: &'a LocalModelCatalog,
    name: String,
}

impl Drop for TakenName<'_> {
    fn drop(&mut self) {
        self.catalog.taken().remove(&self.name);
    }
}

/// Whether every model of the catalog works.
struct CatalogHealthCheck(Arc<LocalModelCatalog>);

/// One model of several does not work.
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
            model.health.check().await.map_err(|source| ModelFails { name, source })?;
        }
        Ok(())
    }
}
