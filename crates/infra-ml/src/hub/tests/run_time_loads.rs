//! Models that clients load: which sources they reach, and with which token.

use application::ports::{ModelLoadError, ModelLoader, ModelSpec};
use domain::value_objects::ModelName;

use super::*;
use crate::model_sources::ModelSources;

impl World {
    fn loader(&self, sources: Option<&[&str]>) -> LocalModelLoader {
        let sources = sources.map(|all| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>());
        let sources = sources.map(|sources| ModelSources::parse(&sources).unwrap());
        LocalModelLoader::with_hub(quick(self.settings(), Arc::new(LoggedProgress::default())))
            .with_sources(sources)
    }

    /// Returns the distinct tokens of the requests to the hub itself.
    fn tokens(&self) -> BTreeSet<Option<String>> {
        let requests = self.hub.requests();
        let of_hub = requests.into_iter().filter(|request| !request.path.starts_with("/cdn"));
        of_hub.map(|request| request.token).collect()
    }
}

async fn load(loader: &LocalModelLoader, path: &str) -> Result<(), ModelLoadError> {
    let spec = ModelSpec { path: path.to_owned(), ..ModelSpec::default() };
    let model = loader.load(&ModelName::parse("name", "run-time").unwrap(), spec).await?;
    model.lifecycle.stop().await;
    Ok(())
}

fn refusal(loaded: Result<(), ModelLoadError>) -> String {
    match loaded {
        Err(ModelLoadError::NotLoadable { field: "path", why }) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn without_sources_a_client_loads_public_models_without_the_token() {
    let world = World::new();
    load(&world.loader(None), REPO).await.unwrap();
    assert_eq!(world.tokens(), [None].into());
}

#[tokio::test]
async fn the_token_is_used_for_repositories_that_the_configuration_names() {
    let world = World::new();
    let loader = world.loader(None);
    loader.resolve(ModelSettings::new(REPO)).unwrap();
    load(&loader, REPO).await.unwrap();
    assert_eq!(world.tokens(), [Some("secret".to_owned())].into());
}

#[tokio::test]
async fn the_token_is_used_for_repositories_that_the_sources_name() {
    for source in ["hf:org/tiny", "hf:org/*"] {
        let world = World::new();
        load(&world.loader(Some(&[source])), REPO).await.unwrap();
        assert_eq!(world.tokens(), [Some("secret".to_owned())].into());
    }
}

#[tokio::test]
async fn a_repository_that_the_sources_do_not_name_is_refused_without_a_request() {
    let world = World::new();
    let loader = world.loader(Some(&["hf:org/other", "hf:other/*", "org/*"]));
    loader.resolve(ModelSettings::new(REPO)).unwrap();
    for path in [REPO, "hf:org/tiny", "org/tiny@main"] {
        assert!(refusal(load(&loader, path).await).contains("server.model_sources"));
    }
    assert_eq!(world.hub.connections(), 0);
}

#[tokio::test]
async fn a_folder_is_loaded_only_if_the_sources_allow_it() {
    let world = World::new();
    let folder = world.model.path().to_str().unwrap();
    load(&world.loader(None), folder).await.unwrap();
    load(&world.loader(Some(&[folder])), folder).await.unwrap();
    let other = world.loader(Some(&["models/*", "hf:org/*"]));
    let absent = format!("{folder}-absent");
    let refusals = [refusal(load(&other, folder).await), refusal(load(&other, &absent).await)];
    assert!(refusals[0].contains("server.model_sources"), "{}", refusals[0]);
    assert_eq!(
        refusals[0].replace(folder, ""),
        refusals[1].replace(&absent, ""),
        "it does not say what exists"
    );
}

#[tokio::test]
async fn configured_models_are_not_bound_by_the_sources() {
    let world = World::new();
    let loader = world.loader(Some(&[]));
    let (running, loading) = loader.resolve(ModelSettings::new(REPO)).unwrap().start();
    loading.await.unwrap();
    running.lifecycle.stop().await;
    assert!(refusal(load(&loader, REPO).await).contains("server.model_sources"));
}
