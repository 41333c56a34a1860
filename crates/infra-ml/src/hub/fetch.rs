use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use application::action::chain;
use tokio_util::sync::CancellationToken;

use crate::hub::access::Hub;
use crate::hub::cache::RepoCache;
use crate::hub::committed_file::CommittedFile;
use crate::hub::download::Download;
use crate::hub::environment;
use crate::hub::error::{HubError, HubErrorKind};
use crate::hub::hub_model::{HubModel, is_commit};
use crate::hub::remote::Remote;
use crate::hub::retry_policy::RetryPolicy;
use crate::model_folder::{FileSelection, Incomplete, ModelFolder, shard_names};

/// All files of a model at one commit, in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// A model folder.
    pub(crate) folder: PathBuf,
    /// The commit of all of its files.
    pub(crate) commit: String,
}

impl Hub {
    /// Fetches `model` into the cache, on this thread. A commit that the cache has whole is not requested again; a
    /// branch or tag that the cache has is served from there, with a warning, while the hub is absent.
    #[tracing::instrument(name = "ml.fetch_model", skip_all, fields(model = %model))]
    pub(crate) fn fetch(&self, model: &HubModel, cancel: &CancellationToken) -> Result<Snapshot, HubError> {
        let folder = self.settings.cache.clone().unwrap_or_else(environment::cache_folder);
        let cache = RepoCache::new(&folder, model);
        let cached = cached_snapshot(&cache, model);
        if environment::is_offline(self.settings.offline) || (cached.is_ok() && is_commit(model.revision())) {
            let model = model.to_string();
            return cached.map_err(|missing| HubError::Offline { model, cache: folder, missing });
        }
        // A runtime of its own: the client may block its thread, which cancellation must not wait for.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|source| HubError::Runtime { source })?;
        let retries_of_commit = if cached.is_ok() { 0 } else { self.settings.retries };
        let fetched = runtime
            .block_on(cancel.run_until_cancelled(self.fetch_snapshot(model, &cache, retries_of_commit)))
            .unwrap_or(Err(HubError::Cancelled));
        runtime.shutdown_background();
        match (fetched, cached) {
            (Err(error), Ok(cached)) if error.kind() == HubErrorKind::Absent => {
                let reason = chain(&error);
                tracing::warn!(reason, commit = cached.commit, "the hub is absent; serving the cached copy");
                Ok(cached)
            }
            (fetched, _) => fetched,
        }
    }

    /// Resolves the revision, fetches what the cache lacks of its commit, and links the weights last: without them a
    /// folder is no model.
    async fn fetch_snapshot(
        &self,
        model: &HubModel,
        cache: &RepoCache,
        retries_of_commit: u32,
    ) -> Result<Snapshot, HubError> {
        let remote = Remote::open(model, &self.settings)?;
        let commit = self.retry(retries_of_commit, async || remote.commit().await).await?;
        let folder = cache.snapshot(&commit);
        if ModelFolder::first_missing(&folder).is_some() {
            let files = self.retry(self.settings.retries, async || remote.files(&commit).await).await?;
            let listing = Listing { model, commit: &commit, files: &files };
            let selection = listing.select()?;
            let download = Download { hub: self, model, remote: &remote, cache, commit: &commit };
            for name in &selection.small {
                download.link(listing.get(name)?).await?;
            }
            let weights = listing.get(selection.weights)?;
            let blob = download.blob(weights).await?;
            if selection.is_sharded() {
                for name in shards(&blob)? {
                    download.link(listing.get(&name)?).await?;
                }
            }
            cache.link(&commit, &weights.path, &blob)?;
            tracing::info!(commit, "the model is in the cache");
        }
        cache.remember(model.revision(), &commit)?;
        Ok(Snapshot { folder, commit })
    }

    /// Repeats `request` until it succeeds or fails for good.
    async fn retry<T>(
        &self,
        retries: u32,
        request: impl AsyncFn() -> Result<T, HubError>,
    ) -> Result<T, HubError> {
        let mut policy = RetryPolicy::new(retries, self.first_pause);
        loop {
            match request().await {
                Ok(answer) => return Ok(answer),
                Err(error) => policy.wait(error).await?,
            }
        }
    }
}

/// The cache's snapshot of `model`, or the first thing that it lacks.
fn cached_snapshot(cache: &RepoCache, model: &HubModel) -> Result<Snapshot, String> {
    let revision = model.revision();
    let commit = cache.commit(revision).ok_or_else(|| format!("the commit of {revision}"))?;
    let folder = cache.snapshot(&commit);
    match ModelFolder::first_missing(&folder) {
        None => Ok(Snapshot { folder, commit }),
        Some(missing) => Err(missing),
    }
}

/// The files that an index of weights names.
fn shards(index: &Path) -> Result<BTreeSet<String>, HubError> {
    let refuse = |source| HubError::Index { path: index.to_owned(), source };
    shard_names(&fs::read(index).map_err(|error| refuse(error.into()))?).map_err(|error| refuse(error.into()))
}

/// The files of a commit.
struct Listing<'a> {
    model: &'a HubModel,
    commit: &'a str,
    files: &'a [CommittedFile],
}

impl<'a> Listing<'a> {
    fn select(&self) -> Result<FileSelection, HubError> {
        let names = self.files.iter().map(|file| file.path.clone()).collect();
        FileSelection::of(&names).map_err(|incomplete| match incomplete {
            Incomplete::Missing(name) => self.missing(name),
            Incomplete::ForeignWeights(found) => {
                let (repo, commit) = (self.model.repo().to_owned(), self.commit.to_owned());
                HubError::NoSafetensors { repo, commit, found }
            }
        })
    }

    fn get(&self, name: &str) -> Result<&'a CommittedFile, HubError> {
        self.files.iter().find(|file| file.path == name).ok_or_else(|| self.missing(name))
    }

    fn missing(&self, file: &str) -> HubError {
        let (repo, commit) = (self.model.repo().to_owned(), self.commit.to_owned());
        HubError::FileMissing { repo, commit, file: file.to_owned() }
    }
}
