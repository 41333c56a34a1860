//! The cache that all Hugging Face tools share, for one repository:
//!
//! ```text
//! models--org--name/refs/main                       the commit that a branch or tag stood for when it was last asked
//! models--org--name/blobs/<name by content>         each file's content, and what came of those still on their way
//! models--org--name/snapshots/<commit>/config.json  a link to the blob: the folder that is loaded
//! .locks/models--org--name/<object id>.lock         one process fetches a file, the others wait for it
//! ```

use std::fs::{self, File, TryLockError};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::unix;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::hub::error::HubError;
use crate::hub::file_proof::CommittedFile;
use crate::hub::hub_model::{HubModel, is_commit};

/// One repository's part of the cache.
pub(super) struct RepoCache {
    root: PathBuf,
    locks: PathBuf,
}

/// How often one looks whether another process has let go.
const LOOK_EVERY: Duration = Duration::from_millis(100);

impl RepoCache {
    pub(super) fn new(cache: &Path, model: &HubModel) -> Self {
        let name = format!("models--{}", model.repo().replace('/', "--"));
        Self { root: cache.join(&name), locks: cache.join(".locks").join(name) }
    }

    /// The commit that `revision` stood for when it was last asked for.
    pub(super) fn commit(&self, revision: &str) -> Option<String> {
        if is_commit(revision) {
            return Some(revision.to_owned());
        }
        let commit = fs::read_to_string(self.root.join("refs").join(revision)).ok()?;
        Some(commit.trim().to_owned()).filter(|commit| is_commit(commit))
    }

    /// Remembers what `revision` stands for.
    pub(super) fn remember(&self, revision: &str, commit: &str) -> Result<(), HubError> {
        if is_commit(revision) {
            return Ok(());
        }
        let path = self.root.join("refs").join(revision);
        if self.commit(revision).as_deref() == Some(commit) {
            return Ok(());
        }
        at(&path, || {
            make_parent(&path)?;
            let whole = beside(&path);
            fs::write(&whole, commit)?;
            fs::rename(whole, &path)
        })
    }

    /// The folder with the files of `commit`.
    pub(super) fn snapshot(&self, commit: &str) -> PathBuf {
        self.root.join("snapshots").join(commit)
    }

    /// The blob that holds `file`, if it is there: under its own name, or under that of its content.
    pub(super) fn blob_of(&self, file: &CommittedFile) -> Option<PathBuf> {
        let is_it = |path: &PathBuf| {
            let length = || path.metadata().ok().map(|metadata| metadata.len());
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| file.is_blob(name)) && length() == Some(file.size)
        };
        let blobs = fs::read_dir(self.root.join("blobs")).ok()?;
        blobs.flatten().map(|blob| blob.path()).find(is_it)
    }

    /// Where the part of `file` is kept that has come so far.
    pub(super) fn partial(&self, file: &CommittedFile) -> PathBuf {
        self.root.join("blobs").join(format!("{}.incomplete", file.oid))
    }

    /// Makes what came the blob `name`, on the disk before it has that name.
    pub(super) fn keep(&self, partial: &Path, name: &str) -> Result<PathBuf, HubError> {
        let blob = self.root.join("blobs").join(name);
        at(&blob, || {
            File::open(partial)?.sync_all()?;
            fs::rename(partial, &blob)
        })?;
        Ok(blob)
    }

    /// Shows the blob as `file` in the snapshot of `commit`.
    pub(super) fn link(&self, commit: &str, file: &str, blob: &Path) -> Result<(), HubError> {
        let path = self.snapshot(commit).join(file);
        at(&path, || {
            make_parent(&path)?;
            let name = blob.file_name().unwrap_or_default();
            let whole = beside(&path);
            unix::fs::symlink(Path::new("../../blobs").join(name), &whole)?;
            fs::rename(whole, &path)
        })
    }

    /// Waits until no other process fetches `file`. Whoever dies lets go.
    pub(super) async fn lock(&self, file: &CommittedFile) -> Result<File, HubError> {
        let path = self.locks.join(format!("{}.lock", file.oid));
        let disk = |source| HubError::Disk { path: path.clone(), source };
        make_parent(&path).map_err(disk)?;
        make_parent(&self.partial(file)).map_err(disk)?;
        let lock = File::options().create(true).append(true).open(&path).map_err(disk)?;
        let mut told = false;
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(lock),
                Err(TryLockError::Error(source)) => return Err(disk(source)),
                Err(TryLockError::WouldBlock) => {}
            }
            if !told {
                tracing::info!(file = file.path, "another process fetches this file; waiting for it");
                told = true;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// A name that nothing else has, in the same folder, for what is to appear whole under `path`: several models, and
/// processes of several machines, may come by at once.
fn beside(path: &Path) -> PathBuf {
    let unique = RandomState::new().build_hasher().finish();
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{unique:016x}.new"));
    path.with_file_name(name)
}

fn make_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

/// Names the path in the error.
fn at<T>(path: &Path, action: impl FnOnce() -> io::Result<T>) -> Result<T, HubError> {
    action().map_err(|source| HubError::Disk { path: path.to_owned(), source })
}
