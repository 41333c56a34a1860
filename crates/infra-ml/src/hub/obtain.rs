use std::path::PathBuf;

use application::action::chain;

use crate::hub::cache::RepoCache;
use crate::hub::download::Download;
use crate::hub::error::HubError;
use crate::hub::hub_model::{HubModel, is_commit};
use crate::hub::patience::Patience;
use crate::hub::remote::Remote;
use crate::hub::settings::HubSettings;
use crate::hub::snapshot::{INDEX, Wanted, missing_in};
use crate::load_error::LoadError;
use crate::stopping::Stopping;

/// A model in the cache, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Obtained {
    /// Its folder, like any other.
    pub(crate) folder: PathBuf,
    /// The commit that all of its files are from.
    pub(crate) commit: String,
}

/// Gets `model` into the cache, on this thread. What the cache has whole of a commit is not asked for again; of a
/// branch or tag it serves, with a warning, where the hub is not there.
#[tracing::instrument(name = "ml.obtain_model", skip_all, fields(model = %model))]
pub(crate) fn obtain(
    model: &HubModel,
    settings: &HubSettings,
    stopping: Stopping,
) -> Result<Obtained, LoadError> {
    let folder = settings.cache.clone().unwrap_or_else(hf_hub::resolve_cache_dir);
    let cache = RepoCache::new(&folder, model);
    let kept = in_cache(&cache, model);
    if settings.offline || (kept.is_ok() && is_commit(model.revision())) {
        let model = model.to_string();
        return Ok(kept.map_err(|missing| HubError::Offline { model, cache: folder, missing })?);
    }
    let asking = HubSettings { retries: if kept.is_ok() { 0 } else { settings.retries }, ..settings.clone() };
    // Not on this thread alone: a client may block, and stopping must not wait for it.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|source| LoadError::Thread { source })?;
    let fetched = runtime.block_on(async {
        tokio::select! {
            fetched = fetch(model, &cache, settings, &asking) => fetched.map_err(LoadError::from),
            () = stopping.told() => Err(LoadError::Stopped),
        }
    });
    runtime.shutdown_background();
    match (fetched, kept) {
        (Err(LoadError::Hub(error)), Ok(kept)) if error.is_absence() => {
            let reason = chain(&error);
            tracing::warn!(reason, commit = kept.commit, "the hub is not there; the cache's copy is served");
            Ok(kept)
        }
        (fetched, _) => fetched,
    }
}

/// What the cache has of `model`, or the first thing that it lacks.
fn in_cache(cache: &RepoCache, model: &HubModel) -> Result<Obtained, String> {
    let revision = model.revision();
    let commit = cache.commit(revision).ok_or_else(|| format!("the commit of {revision}"))?;
    let folder = cache.snapshot(&commit);
    match missing_in(&folder) {
        None => Ok(Obtained { folder, commit }),
        Some(missing) => Err(missing),
    }
}

/// Asks for the commit, fetches what the cache lacks of it, and shows the file that makes it a model last.
async fn fetch(
    model: &HubModel,
    cache: &RepoCache,
    settings: &HubSettings,
    asking: &HubSettings,
) -> Result<Obtained, HubError> {
    let remote = Remote::open(model, settings)?;
    let commit = patiently(asking, async || remote.commit().await).await?;
    let folder = cache.snapshot(&commit);
    if missing_in(&folder).is_some() {
        let files = patiently(settings, async || remote.files(&commit).await).await?;
        let wanted = Wanted::of(model, &commit, &files)?;
        let download = Download { model, settings, remote: &remote, cache, commit: &commit };
        for &file in &wanted.small {
            cache.link(&commit, &file.path, &download.blob(file).await?)?;
        }
        let weights = download.blob(wanted.weights).await?;
        if wanted.weights.path == INDEX {
            for file in Wanted::shards(model, &commit, &files, &weights)? {
                cache.link(&commit, &file.path, &download.blob(file).await?)?;
            }
        }
        cache.link(&commit, &wanted.weights.path, &weights)?;
        tracing::info!(commit, "the model is in the cache");
    }
    cache.remember(model.revision(), &commit)?;
    Ok(Obtained { folder, commit })
}

/// Asks until there is an answer, or no patience left.
async fn patiently<T>(
    settings: &HubSettings,
    ask: impl AsyncFn() -> Result<T, HubError>,
) -> Result<T, HubError> {
    let mut patience = Patience::new(settings);
    loop {
        match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) => patience.outlast(error).await?,
        }
    }
}
