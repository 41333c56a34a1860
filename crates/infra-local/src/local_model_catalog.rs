//! The models of this process by name. What a model is and how it is loaded is the maker's business.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use application::errors::BoxError;
use application::ports::{
    CatalogError, HealthCheck, LoadedModel, MlGateway, ModelCatalog, ModelSpec, ServedModel,
};
use async_trait::async_trait;
use domain::value_objects::ModelName;

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
    /// `NotLoadable`.
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
}

impl LocalModelCatalog {
    /// A catalog of `model` alone, which is the default and answers as `name`.
    pub fn new(name: impl Into<String>, model: CatalogModel, maker: Arc<dyn ModelMaker>) -> Self {
        let default = name.into();
        let models = RwLock::new(BTreeMap::from([(default.clone(), model)]));
        Self { default, maker, models, taken: Mutex::default() }
    }

    /// Adds a model, which may still be loading.
    pub fn add(&self, name: impl Into<String>, model: CatalogModel) {
        self.models_mut().insert(name.into(), model);
    }

    /// The health check `model` of all models.
    pub fn health(self: &Arc<Self>) -> Arc<dyn HealthCheck> {
        Arc::new(CatalogHealthCheck(Arc::clone(self)))
    }

    /// Takes the name for one change, until what is returned is dropped.
    fn take(&self, name: &ModelName) -> Result<TakenName<'_>, CatalogError> {
        if !self.taken().insert(name.to_string()) {
            return Err(CatalogError::Busy);
        }
        Ok(TakenName { catalog: self, name: name.to_string() })
    }

    fn served(&self, name: &str, model: &CatalogModel) -> Option<ServedModel> {
        let info = model.gateway.models().into_iter().next()?;
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
        let _taken = self.take(name)?;
        let model = self.maker.make(name, spec).await?;
        let stopped = || CatalogError::NotLoadable { field: "path", why: "it stopped at once".to_owned() };
        let served = self.served(name.as_str(), &model).ok_or_else(stopped)?;
        let old = self.models_mut().insert(name.to_string(), model);
        let replaced = old.is_some();
        tracing::info!(
            model = name.as_str(),
            revision = served.info.model.revision(),
            replaced,
            "a model was loaded"
        );
        Ok(LoadedModel { model: served, replaced })
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
