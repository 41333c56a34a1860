use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use application::ports::{CatalogError, LoadedModel, MlGateway, ModelCatalog, ModelSpec, ServedModel};
use async_trait::async_trait;
use domain::value_objects::ModelName;
use tokio::sync::watch;

use crate::FakeMlGateway;

/// Models by name. A loaded model is a new [`FakeMlGateway`] whose revision is the path of its spec.
pub struct FakeModelCatalog {
    default: String,
    models: Mutex<BTreeMap<String, Arc<dyn MlGateway>>>,
    loads: Mutex<Vec<(ModelName, ModelSpec)>>,
    failure: Mutex<Option<CatalogError>>,
    held: watch::Sender<bool>,
}

impl FakeModelCatalog {
    /// A catalog of `model` alone, under its own name; it must be loaded.
    pub fn of(model: Arc<dyn MlGateway>) -> Self {
        let default = name_of(model.as_ref());
        let models = Mutex::new(BTreeMap::from([(default.clone(), model)]));
        Self {
            default,
            models,
            loads: Mutex::default(),
            failure: Mutex::default(),
            held: watch::Sender::default(),
        }
    }

    /// Adds `model`, replacing one of its name.
    pub fn add(&self, model: Arc<dyn MlGateway>) {
        self.models().insert(name_of(model.as_ref()), model);
    }

    /// Makes every later load and unload fail with `error`.
    pub fn fail_with(&self, error: CatalogError) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    /// Makes every later load wait for [`FakeModelCatalog::release`].
    pub fn hold(&self) {
        self.held.send_replace(true);
    }

    /// Lets all loads proceed.
    pub fn release(&self) {
        self.held.send_replace(false);
    }

    /// The requested loads, in order.
    pub fn loads(&self) -> Vec<(ModelName, ModelSpec)> {
        self.loads.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn may_change(&self) -> Result<(), CatalogError> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone();
        failure.map_or(Ok(()), Err)
    }

    fn models(&self) -> MutexGuard<'_, BTreeMap<String, Arc<dyn MlGateway>>> {
        self.models.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn served(&self, model: &dyn MlGateway) -> ServedModel {
        let info = model.info().unwrap_or_else(|| unreachable!("a fake model is always loaded"));
        ServedModel { is_default: info.model.name() == self.default, info }
    }
}

fn name_of(model: &dyn MlGateway) -> String {
    model.info().map_or_else(String::new, |info| info.model.name().to_owned())
}

#[async_trait]
impl ModelCatalog for FakeModelCatalog {
    fn choose(&self, name: Option<&str>) -> Option<Arc<dyn MlGateway>> {
        self.models().get(name.unwrap_or(&self.default)).map(Arc::clone)
    }

    fn models(&self) -> Vec<ServedModel> {
        let mut served: Vec<_> = self.models().values().map(|model| self.served(model.as_ref())).collect();
        served.sort_by_key(|model| !model.is_default);
        served
    }

    async fn load(&self, name: &ModelName, spec: ModelSpec) -> Result<LoadedModel, CatalogError> {
        self.loads.lock().unwrap_or_else(PoisonError::into_inner).push((name.clone(), spec.clone()));
        // The sender lives as long as `self`.
        let _ = self.held.subscribe().wait_for(|held| !held).await;
        self.may_change()?;
        let model: Arc<dyn MlGateway> = Arc::new(FakeMlGateway::named(name.as_str(), &spec.path));
        let replaced = self.models().insert(name.to_string(), Arc::clone(&model)).is_some();
        Ok(LoadedModel { model: self.served(model.as_ref()), replaced })
    }

    fn unload(&self, name: &ModelName) -> Result<(), CatalogError> {
        self.may_change()?;
        if name.as_str() == self.default {
            return Err(CatalogError::IsDefault);
        }
        self.models().remove(name.as_str()).map(drop).ok_or(CatalogError::NotFound)
    }
}
