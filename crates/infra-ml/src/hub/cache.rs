//! The cache that all Hugging Face tools share, for one repository:
//!
//! ```text
//! models--org--name/refs/main                       the commit that a branch or tag last stood for
//! models--org--name/blobs/<name by content>         each file's content, and parts of files (.incomplete)
//! models--org--name/snapshots/<commit>/config.json  a link to the blob: the folder that is loaded
//! models--org--name/.no_exist/<commit>/vocab.txt    a file that the commit does not have
//! .locks/models--org--name/<object id>.lock         held by the one process that fetches the file
//! ```

use std::fs::{self, File, TryLockError};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::unix;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::hub::committed_file::CommittedFile;
use crate::hub::error::HubError;
use crate::hub::hub_model::{HubModel, is_commit};

/// One repository's part of the cache.
pub(super) struct RepoCache {
    root: PathBuf,
    locks: PathBuf,
}

/// How often a lock is tried that another process holds.
const LOCK_INTERVAL: Duration = Duration::from_millis(100);

impl RepoCache {
    pub(super) fn new(cache: &Path, model: &HubModel) -> Self {
        let name = format!("models--{}", model.repo().replace('/', "--"));
        Self { root: cache.join(&name), locks: cache.join(".locks").join(name) }
    }

    /// The commit that `revision` last stood for.
    pub(super) fn commit(&self, revision: &str) -> Option<String> {
        if is_commit(revision) {
            return Some(revision.to_owned());
        }
        let commit = fs::read_to_string(self.root.join("refs").join(revision)).ok()?;
        Some(commit.trim().to_owned()).filter(|commit| is_commit(commit))
    }

    /// Stores which commit `revision` stands for.
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
            let temporary = temporary_name(&path);
            fs::write(&temporary, commit)?;
            fs::rename(temporary, &path)
        })
    }

    /// The folder with the files of `commit`.
    pub(super) fn snapshot(&self, commit: &str) -> PathBuf {
        self.root.join("snapshots").join(commit)
    }

    /// The blob of `file` in the cache, under its object id or its SHA-256.
    pub(super) fn blob_of(&self, file: &CommittedFile) -> Option<PathBuf> {
        let has_content = |path: &PathBuf| {
            let length = || path.metadata().ok().map(|metadata| metadata.len());
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| file.is_blob(name)) && length() == Some(file.size)
        };
        let blobs = fs::read_dir(self.root.join("blobs")).ok()?;
        blobs.flatten().map(|blob| blob.path()).find(has_content)
    }

    /// Where the downloaded part of `file` is stored.
    pub(super) fn partial(&self, file: &CommittedFile) -> PathBuf {
        self.root.join("blobs").join(format!("{}.incomplete", file.oid))
    }

    /// Makes a whole `partial` the blob `name`, synced to the disk before it gets that name.
    pub(super) fn add_blob(&self, partial: &Path, name: &str) -> Result<PathBuf, HubError> {
        let blob = self.root.join("blobs").join(name);
        at(&blob, || {
            File::open(partial)?.sync_all()?;
            fs::rename(partial, &blob)
        })?;
        Ok(blob)
    }

    /// Links the blob as `file` in the snapshot of `commit`.
    pub(super) fn link(&self, commit: &str, file: &str, blob: &Path) -> Result<(), HubError> {
        let path = self.snapshot(commit).join(file);
        at(&path, || {
            make_parent(&path)?;
            let name = blob.file_name().unwrap_or_default();
            let temporary = temporary_name(&path);
            unix::fs::symlink(Path::new("../../blobs").join(name), &temporary)?;
            fs::rename(temporary, &path)
        })
    }

    /// Whether the snapshot of `commit` has each of `files`, or it is recorded that the commit does not.
    pub(super) fn knows<'a>(&self, commit: &str, files: impl IntoIterator<Item = &'a str>) -> bool {
        let (snapshot, absent) = (self.snapshot(commit), self.absent(commit));
        files.into_iter().all(|file| snapshot.join(file).exists() || absent.join(file).exists())
    }

    /// Records that `commit` does not have `file`.
    pub(super) fn remember_absent(&self, commit: &str, file: &str) -> Result<(), HubError> {
        let path = self.absent(commit).join(file);
        at(&path, || {
            make_parent(&path)?;
            fs::write(&path, "")
        })
    }

    fn absent(&self, commit: &str) -> PathBuf {
        self.root.join(".no_exist").join(commit)
    }

    /// Waits until no other process fetches `file`. The operating system releases the lock when its holder dies.
    pub(super) async fn lock(&self, file: &CommittedFile) -> Result<File, HubError> {
        let path = self.locks.join(format!("{}.lock", file.oid));
        let disk = |source| HubError::Disk { path: path.clone(), source };
        make_parent(&path).map_err(disk)?;
        make_parent(&self.partial(file)).map_err(disk)?;
        let lock = File::options().create(true).append(true).open(&path).map_err(disk)?;
        let mut is_logged = false;
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(lock),
                Err(TryLockError::Error(source)) => return Err(disk(source)),
                Err(TryLockError::WouldBlock) => {}
            }
            if !is_logged {
                tracing::info!(file = file.path, "another process fetches this file; waiting for it");
                is_logged = true;
            }
            tokio::time::sleep(LOCK_INTERVAL).await;
        }
    }
}

/// A unique name in the folder of `path`, for a file that is renamed to `path` when it is whole: processes of several
/// machines may do so at once.
fn temporary_name(path: &Path) -> PathBuf {
    let unique = RandomState::new().build_hasher().finish();
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{unique:016x}.new"));
    path.with_file_name(name)
}

fn make_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

/// Adds the path to the error.
fn at<T>(path: &Path, action: impl FnOnce() -> io::Result<T>) -> Result<T, HubError> {
    action().map_err(|source| HubError::Disk { path: path.to_owned(), source })
}
