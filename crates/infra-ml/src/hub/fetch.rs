use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use application::action::chain;
use tokio_util::sync::CancellationToken;

use crate::hub::access::Hub;
use crate::hub::cache::RepoCache;
use crate::hub::download::Download;
use crate::hub::environment;
use crate::hub::error::{HubError, HubErrorKind};
use crate::hub::hub_model::{HubModel, is_commit};
use crate::hub::listing::Listing;
use crate::hub::remote::Remote;
use crate::hub::retry_policy::RetryPolicy;
use crate::load_error::LoadError;
use crate::model_folder::{FileSelection, FileSizes, ModelFolder, OPTIONAL, shard_names};

/// All files of a model at one commit, in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// A model folder.
    pub(crate) folder: PathBuf,
    /// The commit of all of its files.
    pub(crate) commit: String,
}

/// What a model must satisfy before its weights are fetched.
pub(crate) struct Requirements<'a> {
    /// The most bytes that its files may have together.
    pub(crate) max_bytes: u64,
    /// Checks its small files.
    pub(crate) check: &'a SmallFileCheck<'a>,
}

/// Checks the small files of a model, in a folder without the weights, of which a function says whether they have a
/// SHA-256.
pub(crate) type SmallFileCheck<'a> =
    dyn Fn(&ModelFolder, &dyn Fn(&str) -> bool) -> Result<(), LoadError> + 'a;

impl Hub {
    /// The folder of the cache.
    pub(crate) fn cache(&self) -> PathBuf {
        self.settings.cache.clone().unwrap_or_else(environment::cache_folder)
    }

    /// The folder of `model` in the cache, where it is whole.
    pub(crate) fn cached(&self, model: &HubModel) -> Option<PathBuf> {
        let cached = cached_snapshot(&RepoCache::new(&self.cache(), model), model);
        cached.ok().map(|snapshot| snapshot.folder)
    }

    /// Fetches `model` into the cache, on this thread. A commit that the cache has whole is not requested again, unless
    /// another tool left out optional files, which change how texts are read; a branch or tag that the cache has is
    /// served from there, with a warning, while the hub is absent.
    #[tracing::instrument(name = "ml.fetch_model", skip_all, fields(model = %model))]
    pub(crate) fn fetch(
        &self,
        model: &HubModel,
        requirements: &Requirements<'_>,
        cancel: &CancellationToken,
    ) -> Result<Snapshot, LoadError> {
        let folder = self.cache();
        let cache = RepoCache::new(&folder, model);
        let cached = cached_snapshot(&cache, model);
        let is_final =
            |snapshot: &Snapshot| is_commit(model.revision()) && cache.knows(&snapshot.commit, OPTIONAL);
        if environment::is_offline(self.settings.offline) || cached.as_ref().is_ok_and(is_final) {
            let model = model.to_string();
            return Ok(cached.map_err(|missing| HubError::Offline { model, cache: folder, missing })?);
        }
        // A runtime of its own: the client may block its thread, which cancellation must not wait for.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|source| HubError::Runtime { source })?;
        let resolving = self.resolving(cached.is_ok());
        let fetched = runtime
            .block_on(cancel.run_until_cancelled(self.fetch_snapshot(model, &cache, resolving, requirements)))
            .unwrap_or(Err(HubError::Cancelled.into()));
        runtime.shutdown_background();
        match (fetched, cached) {
            (Err(LoadError::Hub(error)), Ok(cached)) if error.kind() == HubErrorKind::Absent => {
                let reason = chain(&error);
                tracing::warn!(reason, commit = cached.commit, "the hub is absent; serving the cached copy");
                Ok(cached)
            }
            (fetched, _) => fetched,
        }
    }

    /// How the revision is resolved: with one short try where the cache has a copy to serve instead.
    pub(super) fn resolving(&self, has_copy: bool) -> Resolving {
        let timeout = self.settings.timeout.duration();
        if has_copy {
            Resolving { timeout: timeout.min(self.timeout_with_copy), retries: 0 }
        } else {
            Resolving { timeout, retries: self.settings.retries }
        }
    }

    /// Resolves the revision, fetches what the cache lacks of its commit, and links the weights last: without them a
    /// folder is no model.
    async fn fetch_snapshot(
        &self,
        model: &HubModel,
        cache: &RepoCache,
        resolving: Resolving,
        requirements: &Requirements<'_>,
    ) -> Result<Snapshot, LoadError> {
        let remote = Remote::open(model, self)?;
        let commit = self.retry(resolving.retries, async || remote.commit(resolving.timeout).await).await?;
        let folder = cache.snapshot(&commit);
        if ModelFolder::first_missing(&folder).is_some() || !cache.knows(&commit, OPTIONAL) {
            let tree = self.retry(self.settings.retries, async || remote.tree(&commit).await).await?;
            let listing = Listing { model, commit: &commit, tree: &tree };
            let download = Download { hub: self, model, remote: &remote, cache, commit: &commit };
            fetch_files(&listing, &download, requirements).await?;
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

/// How a revision is resolved to a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Resolving {
    /// For each try.
    pub(super) timeout: Duration,
    pub(super) retries: u32,
}

/// Fetches the files that the snapshot lacks. Sizes are checked before the first byte, and the small files before the
/// first byte of the weights.
async fn fetch_files(
    listing: &Listing<'_>,
    download: &Download<'_>,
    requirements: &Requirements<'_>,
) -> Result<(), LoadError> {
    let selection = listing.select()?;
    let mut sizes = FileSizes::default();
    sizes.extend(listing.sizes(selection.names())?);
    sizes.check(&listing.name(), requirements.max_bytes).map_err(HubError::from)?;
    sizes.check_metadata(&listing.name(), selection.metadata()).map_err(HubError::from)?;
    let folder = download.cache.snapshot(listing.commit);
    for name in selection.small.iter().filter(|name| !folder.join(name).exists()) {
        download.link(listing.get(name)?).await?;
    }
    let weights = listing.get(selection.weights)?;
    (requirements.check)(&ModelFolder::new(&folder, selection.clone()), &|sha256| weights.is_blob(sha256))?;
    if ModelFolder::first_missing(&folder).is_some() {
        fetch_weights(listing, download, &selection, sizes, requirements.max_bytes).await?;
    }
    for name in OPTIONAL.into_iter().filter(|name| !selection.small.contains(name)) {
        if let Err(error) = download.cache.remember_absent(listing.commit, name) {
            tracing::debug!(reason = chain(&error), "the cache cannot record absent files");
        }
    }
    Ok(())
}

/// Fetches the weights; `sizes` are those of the files of the commit that are known to be needed.
async fn fetch_weights(
    listing: &Listing<'_>,
    download: &Download<'_>,
    selection: &FileSelection,
    mut sizes: FileSizes,
    max_bytes: u64,
) -> Result<(), HubError> {
    let weights = listing.get(selection.weights)?;
    let blob = download.blob(weights).await?;
    if selection.is_sharded() {
        let shards = shards(&blob)?;
        sizes.extend(listing.sizes(shards.iter().map(String::as_str))?);
        sizes.check(&listing.name(), max_bytes)?;
        for name in shards {
            download.link(listing.get(&name)?).await?;
        }
    }
    download.cache.link(listing.commit, &weights.path, &blob)
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
