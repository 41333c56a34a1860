//! Against a hub on the loopback address, with the small model.

mod absent;
mod cached;
mod faults;
mod layouts;
mod limits;
mod refusals;
mod run_time_loads;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use application::ports::{DownloadProgress, ModelInfo, RunningModel};
use tempfile::TempDir;
use testkit::{FakeHub, FakeRepo, HubFile};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::load_error::LoadError;
use crate::loading::Loading;
use crate::local_model_loader::LocalModelLoader;
use crate::model_folder::ModelFolder;
use crate::settings::{ModelSettings, Seconds};
use crate::testing::small_model;

const REPO: &str = "org/tiny";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const LATER_COMMIT: &str = "89abcdef0123456789abcdef0123456789abcdef";
/// Where the large file is fetched from.
const WEIGHTS: &str = "/cdn/org/tiny/store";

/// A hub with the small model, and a cache of its own.
struct World {
    hub: FakeHub,
    cache: TempDir,
    model: TempDir,
}

impl World {
    fn new() -> Self {
        let world =
            Self { hub: FakeHub::start(), cache: tempfile::tempdir().unwrap(), model: small_model::folder() };
        world.hub.publish(world.repo());
        world
    }

    fn repo(&self) -> FakeRepo {
        FakeRepo::of_folder(REPO, COMMIT, self.model.path())
    }

    /// Few retries, whatever the environment says.
    fn settings(&self) -> HubSettings {
        HubSettings {
            endpoint: Some(self.hub.endpoint()),
            token: Some(HubToken::new("secret")),
            cache: Some(self.cache.path().to_owned()),
            offline: Some(false),
            retries: 2,
            ..HubSettings::default()
        }
    }

    async fn load(&self, model: &str) -> Result<Arc<ModelInfo>, LoadError> {
        self.load_with(model, self.settings()).await
    }

    async fn load_offline(&self, model: &str) -> Result<Arc<ModelInfo>, LoadError> {
        self.load_with(model, HubSettings { offline: Some(true), ..self.settings() }).await
    }

    async fn load_with(&self, model: &str, hub: HubSettings) -> Result<Arc<ModelInfo>, LoadError> {
        self.load_reporting(model, hub, Arc::new(LoggedProgress::default())).await
    }

    async fn load_reporting(
        &self,
        model: &str,
        hub: HubSettings,
        progress: Arc<dyn DownloadProgress>,
    ) -> Result<Arc<ModelInfo>, LoadError> {
        let (running, loading) = start(model, quick(hub, progress));
        let loaded = loading.await;
        let info = running.gateway.info();
        running.lifecycle.stop().await;
        loaded.map(|()| info.unwrap())
    }

    /// Fetches the model with at most `max_bytes`; its small files are not checked.
    async fn fetch(&self, max_bytes: u64) -> Result<Snapshot, LoadError> {
        let (model, hub) =
            (REPO.parse().unwrap(), quick(self.settings(), Arc::new(LoggedProgress::default())));
        let fetch = move || {
            let requirements = Requirements { max_bytes, check: &|_, _| Ok(()) };
            hub.fetch(&model, &requirements, &CancellationToken::new())
        };
        tokio::task::spawn_blocking(fetch).await.unwrap()
    }

    async fn refusal(&self, model: &str) -> HubError {
        match self.load(model).await {
            Err(LoadError::Hub(error)) => error,
            other => panic!("{other:?}"),
        }
    }

    fn snapshot(&self, commit: &str) -> PathBuf {
        self.cache.path().join("models--org--tiny/snapshots").join(commit)
    }

    /// The names of the files that were requested, each once.
    fn requested(&self) -> BTreeSet<String> {
        let requests = self.hub.requests();
        let files = requests.iter().filter_map(|request| request.path.split_once("/resolve/"));
        files.filter_map(|(_, file)| Some(file.split_once('/')?.1.to_owned())).collect()
    }

    /// How many GET requests had a path with `part`.
    fn get_count(&self, part: &str) -> usize {
        let has_part = |request: &testkit::HubRequest| request.method == "GET" && request.path.contains(part);
        self.hub.requests().into_iter().filter(has_part).count()
    }

    fn weights(&self) -> Vec<u8> {
        fs::read(self.model.path().join("model.safetensors")).unwrap()
    }
}

/// A hub whose retries come soon.
fn quick(settings: HubSettings, progress: Arc<dyn DownloadProgress>) -> Hub {
    Hub { first_pause: Duration::from_millis(1), ..Hub::new(settings, progress) }
}

fn start(model: &str, hub: Hub) -> (RunningModel, Loading) {
    LocalModelLoader::with_hub(hub).resolve(ModelSettings::new(format!("hf:{model}"))).unwrap().start()
}

fn file(path: &str, content: impl Into<Vec<u8>>, large: bool) -> HubFile {
    HubFile { path: path.to_owned(), content: content.into().into(), large }
}
