use application::action::chain;
use application::dtos::{LoadModelRequest, UnloadModelRequest};
use application::errors::ApplicationError;
use application::ports::{CatalogError, LoadedModel, ModelCatalog, ModelLoadError, ModelSpec};
use application::use_cases::{ListModelsUseCase, LoadModelUseCase, UnloadModelUseCase};

use crate::world::{World, failure, refusal};

async fn load(world: &World, name: &str, path: &str) -> Result<LoadedModel, ApplicationError> {
    let spec = ModelSpec { path: path.to_owned(), ..ModelSpec::default() };
    let request = LoadModelRequest { name: name.to_owned(), spec };
    LoadModelUseCase::new(world.catalog(), true).execute(request).await
}

async fn unload(world: &World, name: &str) -> Result<(), ApplicationError> {
    let request = UnloadModelRequest { name: name.to_owned() };
    UnloadModelUseCase::new(world.catalog(), true).execute(request).await
}

async fn names(world: &World) -> Vec<(String, bool)> {
    let models = ListModelsUseCase::new(world.catalog()).execute().await.unwrap();
    models.into_iter().map(|model| (model.info.model.name().to_owned(), model.is_default)).collect()
}

#[tokio::test]
async fn a_model_is_served_from_its_loading_to_its_unloading() {
    let world = World::new();
    let first = load(&world, "a", "one").await.unwrap();
    assert_eq!((first.replaced, first.model.is_default), (false, false));
    let second = load(&world, "a", "two").await.unwrap();
    assert_eq!((second.replaced, second.model.info.model.revision()), (true, "two"));
    assert_eq!(names(&world).await, [("fake-model".to_owned(), true), ("a".to_owned(), false)]);
    unload(&world, "a").await.unwrap();
    assert_eq!(failure(&unload(&world, "a").await), ("not_found", ""));
    assert_eq!(names(&world).await, [("fake-model".to_owned(), true)]);
}

#[tokio::test]
async fn the_default_model_can_be_replaced_but_not_unloaded() {
    let world = World::new();
    let error = unload(&world, "fake-model").await.unwrap_err();
    assert_eq!(error.to_string(), "the default model fake-model cannot be unloaded");
    let loaded = load(&world, "fake-model", "two").await.unwrap();
    assert_eq!((loaded.replaced, loaded.model.is_default), (true, true));
    assert_eq!(world.predict("good").await.model.revision(), "two");
}

#[tokio::test]
async fn a_refused_change_changes_nothing() {
    let world = World::new();
    for name in ["", "..", "a/b", "a b"] {
        assert_eq!(refusal(&load(&world, name, "one").await), ("name", "malformed"));
        assert_eq!(refusal(&unload(&world, name).await), ("name", "malformed"));
    }
    assert!(world.catalog().loads().is_empty());
    world.catalog().fail_with(CatalogError::Busy);
    assert_eq!(failure(&load(&world, "a", "one").await), ("conflict", ""));
    assert_eq!(failure(&unload(&world, "a").await), ("conflict", ""));
    let why = "config.json is missing".to_owned();
    world.catalog().fail_with(ModelLoadError::NotLoadable { field: "path", why }.into());
    let refused = load(&world, "a", "one").await;
    assert_eq!(failure(&refused), ("not_loadable", ""));
    assert_eq!(refused.unwrap_err().to_string(), "path cannot be used: config.json is missing");
    assert_eq!(world.catalog().models().len(), 1);
}

#[tokio::test]
async fn a_failure_that_is_not_the_models_is_not_the_clients() {
    let world = World::new();
    let unavailable = ModelLoadError::Unavailable { why: "the hub answered 429".to_owned() };
    world.catalog().fail_with(unavailable.into());
    let error = load(&world, "a", "one").await.unwrap_err();
    let expected = "the model is not available: no model can be loaded for now: the hub answered 429";
    assert_eq!(chain(&error), expected);
    assert!(matches!(error, ApplicationError::Unavailable { what: "model", .. }));
}

#[tokio::test]
async fn with_changes_turned_off_the_catalog_is_not_called() {
    let world = World::new();
    let spec = ModelSpec { path: "one".to_owned(), ..ModelSpec::default() };
    let load = LoadModelRequest { name: "a".to_owned(), spec };
    let use_case = LoadModelUseCase::new(world.catalog(), false);
    assert_eq!(failure(&use_case.allow()), ("turned_off", ""));
    let load = use_case.execute(load).await;
    let unload = UnloadModelRequest { name: "a".to_owned() };
    let use_case = UnloadModelUseCase::new(world.catalog(), false);
    assert_eq!(failure(&use_case.allow()), ("turned_off", ""));
    let unload = use_case.execute(unload).await;
    assert_eq!(failure(&load), ("turned_off", ""));
    assert_eq!(failure(&unload), ("turned_off", ""));
    let expected = "changing models is turned off; server.model_changes = true turns it on";
    assert_eq!(unload.unwrap_err().to_string(), expected);
    assert!(world.catalog().loads().is_empty());
}
