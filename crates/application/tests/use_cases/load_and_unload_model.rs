use std::sync::Arc;

use application::action::chain;
use application::dtos::{Actor, LoadModelRequest, UnloadModelRequest};
use application::errors::ApplicationError;
use application::ports::{
    AuditReadModel, CatalogError, LoadedModel, ModelCatalog, ModelLoadError, ModelSpec,
};
use application::use_cases::{ListModelsUseCase, LoadModelUseCase, ModelChanges, UnloadModelUseCase};
use domain::value_objects::TenantId;

use crate::world::{World, failure, refusal};

fn changes(world: &World, allowed: bool) -> ModelChanges {
    let store = Arc::new(world.store.clone());
    ModelChanges { models: world.catalog(), allowed, store, clock: world.clock.clone() }
}

fn load_request(name: &str, path: &str) -> LoadModelRequest {
    let spec = ModelSpec { path: path.to_owned(), ..ModelSpec::default() };
    let (tenant, actor) = (TenantId::default(), Actor::command_line("ann"));
    LoadModelRequest { name: name.to_owned(), spec, tenant, actor }
}

fn unload_request(name: &str) -> UnloadModelRequest {
    let (tenant, actor) = (TenantId::default(), Actor::command_line("ann"));
    UnloadModelRequest { name: name.to_owned(), tenant, actor }
}

async fn load(world: &World, name: &str, path: &str) -> Result<LoadedModel, ApplicationError> {
    LoadModelUseCase::new(changes(world, true)).execute(load_request(name, path)).await
}

async fn unload(world: &World, name: &str) -> Result<(), ApplicationError> {
    UnloadModelUseCase::new(changes(world, true)).execute(unload_request(name)).await
}

/// The actions of the audit with their targets, the oldest first.
async fn audited(world: &World) -> Vec<(String, String)> {
    let lines = AuditReadModel::walk(&world.store, 0, 100).await.unwrap();
    lines.into_iter().map(|line| (line.entry.action, line.entry.target)).collect()
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
    assert_eq!(refusal(&load(&world, "a", "one\0").await), ("path", "contains_nul"));
    assert_eq!(refusal(&load(&world, "a", &"x".repeat(4_097)).await), ("path", "too_long"));
    assert!(world.catalog().loads().is_empty());
    assert_eq!(world.store.commits(), 0);
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
    let use_case = LoadModelUseCase::new(changes(&world, false));
    assert_eq!(failure(&use_case.allow()), ("turned_off", ""));
    let load = use_case.execute(load_request("a", "one")).await;
    let use_case = UnloadModelUseCase::new(changes(&world, false));
    assert_eq!(failure(&use_case.allow()), ("turned_off", ""));
    let unload = use_case.execute(unload_request("a")).await;
    assert_eq!(failure(&load), ("turned_off", ""));
    assert_eq!(failure(&unload), ("turned_off", ""));
    let expected = "changing models is turned off; server.model_changes = true turns it on";
    assert_eq!(unload.unwrap_err().to_string(), expected);
    assert!(world.catalog().loads().is_empty());
}

#[tokio::test]
async fn a_change_of_the_models_is_reported_before_it_is_made_and_again_if_it_fails() {
    let world = World::new();
    load(&world, "a", "one").await.unwrap();
    unload(&world, "a").await.unwrap();
    unload(&world, "a").await.unwrap_err();
    world.catalog().fail_with(CatalogError::Busy);
    load(&world, "b", "two").await.unwrap_err();
    let expected = [
        ("model.load", "a"),
        ("model.unload", "a"),
        ("model.unload", "a"),
        ("model.unload_failed", "a"),
        ("model.load", "b"),
        ("model.load_failed", "b"),
    ];
    assert_eq!(
        audited(&world).await,
        expected.map(|(action, target)| (action.to_owned(), target.to_owned()))
    );
}

#[tokio::test]
async fn a_change_of_the_models_that_cannot_be_reported_is_not_made() {
    let world = World::new();
    world.store.fail_with("the connection broke");
    assert_eq!(failure(&load(&world, "a", "one").await), ("unavailable", "store"));
    assert!(world.catalog().loads().is_empty());
}
