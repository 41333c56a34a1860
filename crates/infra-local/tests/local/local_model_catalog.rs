//! Which model a name stands for, and when a model ends.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use application::errors::BoxError;
use application::ports::{
    CacheGateway, CatalogError, HealthCheck, LoadedModel, ModelCatalog, ModelLifecycle, ModelLoadError,
    ModelLoader, ModelSpec, RunningModel, ServedModel,
};
use async_trait::async_trait;
use domain::value_objects::{ModelName, ReadOptions, TenantId};
use futures_util::FutureExt;
use infra_local::LocalModelCatalog;
use testkit::{CapturedLog, ClassifyOne, FakeHealthCheck, FakeMlGateway, MemoryCache};
use tokio::sync::Semaphore;

use crate::gate::{Gate, text};

/// Loads models whose revision is the spec's path, one for each permit.
struct FakeLoader {
    permits: Semaphore,
    loaded: Mutex<Vec<std::sync::Weak<FakeMlGateway>>>,
    lifecycle: Arc<FakeLifecycle>,
}

/// A state that tests set, and how often it was stopped.
struct FakeLifecycle {
    health: FakeHealthCheck,
    stops: AtomicUsize,
}

impl FakeLifecycle {
    fn new() -> Arc<Self> {
        Arc::new(Self { health: FakeHealthCheck::vital("model"), stops: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl ModelLifecycle for FakeLifecycle {
    async fn check(&self) -> Result<(), BoxError> {
        self.health.check().await
    }

    async fn stop(&self) {
        self.stops.fetch_add(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl ModelLoader for FakeLoader {
    async fn load(&self, name: &ModelName, spec: ModelSpec) -> Result<RunningModel, ModelLoadError> {
        self.permits.acquire().await.unwrap().forget();
        if spec.path == "broken" {
            return Err(ModelLoadError::NotLoadable { field: "path", why: "it is broken".to_owned() });
        }
        if spec.path == "away" {
            return Err(ModelLoadError::Unavailable { why: "the hub is silent".to_owned() });
        }
        let gateway = Arc::new(FakeMlGateway::named(name.as_str(), &spec.path));
        self.loaded.lock().unwrap().push(Arc::downgrade(&gateway));
        Ok(RunningModel { gateway, lifecycle: self.lifecycle.clone() })
    }
}

struct World {
    loader: Arc<FakeLoader>,
    catalog: Arc<LocalModelCatalog>,
}

impl World {
    /// A catalog of the model `main`, with permits for many more.
    fn new() -> Self {
        Self::with_cache(None)
    }

    fn with_cache(cache: Option<Arc<dyn CacheGateway>>) -> Self {
        let (permits, lifecycle) = (Semaphore::new(100), FakeLifecycle::new());
        let loader = Arc::new(FakeLoader { permits, loaded: Mutex::default(), lifecycle });
        let gateway = Arc::new(FakeMlGateway::named("main", "r1"));
        let main = RunningModel { gateway, lifecycle: FakeLifecycle::new() };
        let catalog = Arc::new(LocalModelCatalog::new("main", main, loader.clone(), cache));
        Self { loader, catalog }
    }

    async fn load(&self, of: &str, path: &str) -> Result<LoadedModel, CatalogError> {
        let spec = ModelSpec { path: path.to_owned(), ..ModelSpec::default() };
        self.catalog.load(&name(of), spec).await
    }

    fn revision(&self, name: Option<&str>) -> Option<String> {
        let model = self.catalog.choose(name)?.info()?;
        Some(model.model.revision().to_owned())
    }

    fn names(&self) -> Vec<(String, bool)> {
        let name = |model: ServedModel| (model.info.model.name().to_owned(), model.is_default);
        self.catalog.models().into_iter().map(name).collect()
    }

    /// How many of the loaded models have not ended.
    fn alive(&self) -> usize {
        self.loader.loaded.lock().unwrap().iter().filter(|model| model.strong_count() > 0).count()
    }
}

fn name(name: &str) -> ModelName {
    ModelName::parse("name", name).unwrap()
}

#[tokio::test]
async fn models_are_chosen_by_name_and_listed_with_the_default_first() {
    let world = World::new();
    world.load("zeta", "z1").await.unwrap();
    world.load("alpha", "a1").await.unwrap();
    for (name, expected) in
        [(None, Some("r1")), (Some("main"), Some("r1")), (Some("alpha"), Some("a1")), (Some("beta"), None)]
    {
        assert_eq!(world.revision(name).as_deref(), expected);
    }
    let expected = [("main", true), ("alpha", false), ("zeta", false)];
    assert_eq!(world.names(), expected.map(|(name, default)| (name.to_owned(), default)));
}

#[tokio::test]
async fn a_replaced_model_ends_with_its_last_user() {
    let world = World::new();
    assert!(!world.load("a", "one").await.unwrap().replaced);
    let held = world.catalog.choose(Some("a")).unwrap();
    let second = world.load("a", "two").await.unwrap();
    assert!(second.replaced && !second.model.is_default);
    assert_eq!((world.revision(Some("a")).as_deref(), world.alive()), (Some("two"), 2));
    assert_eq!(held.info().unwrap().model.revision(), "one");
    drop(held);
    assert_eq!(world.alive(), 1);
    world.catalog.unload(&name("a")).unwrap();
    assert_eq!((world.revision(Some("a")), world.alive()), (None, 0));
}

#[tokio::test]
async fn while_a_model_is_being_loaded_the_old_one_serves_and_its_name_is_reserved() {
    let world = World::new();
    world.load("a", "one").await.unwrap();
    world.loader.permits.forget_permits(100);
    let mut loading = Box::pin(world.load("a", "two"));
    assert!(loading.as_mut().now_or_never().is_none());
    assert_eq!(world.revision(Some("a")).as_deref(), Some("one"));
    assert_eq!(world.load("a", "three").await, Err(CatalogError::Busy));
    assert_eq!(world.catalog.unload(&name("a")), Err(CatalogError::Busy));
    let mut other = Box::pin(world.load("b", "four"));
    assert!(other.as_mut().now_or_never().is_none(), "another name is not reserved");
    world.loader.permits.add_permits(2);
    loading.await.unwrap();
    other.await.unwrap();
    assert_eq!(world.revision(Some("a")).as_deref(), Some("two"));
    assert_eq!(world.catalog.unload(&name("a")), Ok(()));
}

#[tokio::test]
async fn a_loading_that_fails_or_is_given_up_leaves_everything_as_it_was() {
    let world = World::new();
    world.load("a", "one").await.unwrap();
    let expected = ModelLoadError::NotLoadable { field: "path", why: "it is broken".to_owned() };
    assert_eq!(world.load("a", "broken").await, Err(expected.into()));
    world.loader.permits.forget_permits(100);
    let mut given_up = Box::pin(world.load("a", "two"));
    assert!(given_up.as_mut().now_or_never().is_none());
    drop(given_up);
    assert_eq!((world.revision(Some("a")).as_deref(), world.alive()), (Some("one"), 1));
    world.loader.permits.add_permits(1);
    assert!(world.load("a", "three").await.is_ok(), "the name is free again");
}

#[tokio::test]
async fn models_are_loaded_one_after_the_other() {
    let world = World::new();
    world.loader.permits.forget_permits(100);
    let mut first = Box::pin(world.load("a", "one"));
    let mut second = Box::pin(world.load("b", "two"));
    assert!(first.as_mut().now_or_never().is_none());
    world.loader.permits.add_permits(1);
    assert!(second.as_mut().now_or_never().is_none(), "it is not its turn");
    drop(first);
    assert!(second.await.is_ok(), "a dropped loading is followed by the next one");
}

#[tokio::test]
async fn no_more_than_the_most_models_are_loaded() {
    let world = World::new();
    let most = LocalModelCatalog::MAX_MODELS;
    for number in 2..most {
        world.load(&format!("m{number}"), "one").await.unwrap();
    }
    world.loader.permits.forget_permits(100);
    let mut last = Box::pin(world.load("last", "one"));
    assert!(last.as_mut().now_or_never().is_none());
    let Err(CatalogError::NotLoaded(ModelLoadError::NotLoadable { field, why })) =
        world.load("more", "one").await
    else {
        panic!("the one being loaded counts");
    };
    assert_eq!(field, "name");
    assert_eq!(why, "32 models are served or being loaded, which is the most; unload one first");
    world.loader.permits.add_permits(3);
    last.await.unwrap();
    assert!(world.load("more", "one").await.is_err());
    assert!(world.load("last", "two").await.unwrap().replaced, "a served name has its place");
    world.catalog.unload(&name("last")).unwrap();
    assert!(world.load("more", "one").await.is_ok());
    assert_eq!(world.names().len(), most);
}

#[tokio::test]
async fn every_loading_that_fails_is_in_the_log() {
    let (world, log) = (World::new(), CapturedLog::start());
    assert!(world.load("a", "broken").await.is_err());
    let error = ModelLoadError::Unavailable { why: "the hub is silent".to_owned() };
    assert_eq!(world.load("b", "away").await, Err(error.into()));
    let lines = log.under("infra_local::local_model_catalog");
    let logged: Vec<_> = lines
        .iter()
        .map(|line| (line.level.as_str(), line.field("model"), line.field("field"), line.field("reason")))
        .collect();
    let expected = [("WARN", "a", "path", "it is broken"), ("WARN", "b", "", "the hub is silent")];
    assert_eq!(logged, expected);
}

#[tokio::test]
async fn the_default_is_replaced_and_never_unloaded() {
    let world = World::new();
    assert_eq!(world.catalog.unload(&name("main")), Err(CatalogError::IsDefault));
    assert_eq!(world.catalog.unload(&name("a")), Err(CatalogError::NotFound));
    let loaded = world.load("main", "r2").await.unwrap();
    assert!(loaded.replaced && loaded.model.is_default);
    assert_eq!(world.revision(None).as_deref(), Some("r2"));
}

#[tokio::test]
async fn a_model_that_is_still_loading_is_chosen_and_not_listed() {
    let world = World::new();
    let gate = Arc::new(Gate::open_to(FakeMlGateway::named("a", "one")));
    let loaded = std::mem::take(&mut *gate.info.lock().unwrap());
    world.catalog.add("a", RunningModel { gateway: gate.clone(), lifecycle: FakeLifecycle::new() });
    assert!(world.catalog.choose(Some("a")).is_some());
    assert_eq!(world.names().len(), 1);
    *gate.info.lock().unwrap() = loaded;
    assert_eq!(world.names().len(), 2);
}

#[tokio::test]
async fn one_failing_model_makes_the_catalog_unhealthy() {
    let world = World::new();
    let health = world.catalog.health();
    assert_eq!((health.name(), health.is_vital()), ("model", true));
    assert!(health.check().await.is_ok());
    world.load("a", "one").await.unwrap();
    world.loader.lifecycle.health.fail_with("it has stopped");
    let error = health.check().await.unwrap_err();
    assert_eq!(application::action::chain(error.as_ref()), "the model a does not work: it has stopped");
    world.catalog.unload(&name("a")).unwrap();
    assert!(health.check().await.is_ok());
}

#[tokio::test]
async fn stopping_the_catalog_stops_every_served_model() {
    let world = World::new();
    world.load("a", "one").await.unwrap();
    world.load("b", "two").await.unwrap();
    world.catalog.stop().await;
    assert_eq!(world.loader.lifecycle.stops.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn every_model_is_behind_the_cache() {
    let world = World::with_cache(Some(Arc::new(MemoryCache::new())));
    world.load("a", "one").await.unwrap();
    for name in ["main", "a"] {
        let gateway = world.catalog.choose(Some(name)).unwrap();
        let (tenant, good) = (TenantId::default(), text("good"));
        let classify = || gateway.classify_one(&tenant, &good, ReadOptions::default());
        assert!(!classify().await.unwrap().cached, "{name}");
        assert!(classify().await.unwrap().cached, "{name}");
    }
}
