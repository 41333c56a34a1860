use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::hub::access::Hub;
use crate::hub::cache::RepoCache;
use crate::hub::committed_file::CommittedFile;
use crate::hub::error::{HubError, HubErrorKind};
use crate::hub::hub_model::HubModel;
use crate::hub::remote::Remote;
use crate::hub::retry_policy::RetryPolicy;

/// Downloads files of one commit into the cache.
pub(super) struct Download<'a> {
    pub(super) hub: &'a Hub,
    pub(super) model: &'a HubModel,
    pub(super) remote: &'a Remote<'a>,
    pub(super) cache: &'a RepoCache,
    pub(super) commit: &'a str,
}

impl Download<'_> {
    /// Gets `file` and links it in the snapshot.
    pub(super) async fn link(&self, file: &CommittedFile) -> Result<(), HubError> {
        self.cache.link(self.commit, &file.path, &self.blob(file).await?)
    }

    /// The blob of `file`: the cached one, or a download. A download that was cut is resumed, also by a later
    /// process; a damaged one is repeated once from its beginning.
    pub(super) async fn blob(&self, file: &CommittedFile) -> Result<PathBuf, HubError> {
        if let Some(blob) = self.cache.blob_of(file) {
            return Ok(blob);
        }
        let _lock = self.cache.lock(file).await?;
        if let Some(blob) = self.cache.blob_of(file) {
            return Ok(blob);
        }
        let partial = self.cache.partial(file);
        let mut policy = RetryPolicy::new(self.hub.settings.retries, self.hub.first_pause);
        let mut was_damaged = false;
        let mut furthest = length(&partial);
        loop {
            let error = match self.fetch(file, &partial).await {
                Ok(name) => return self.cache.add_blob(&partial, &name),
                Err(error) => error,
            };
            if error.kind() == HubErrorKind::Damaged {
                remove(&partial)?;
                if was_damaged {
                    return Err(error);
                }
                was_damaged = true;
                furthest = 0;
            } else if length(&partial) > furthest {
                furthest = length(&partial);
                policy.reset();
            }
            policy.wait(error).await?;
        }
    }

    /// Appends to `partial` what it lacks of `file`, or writes it from its beginning where only the whole file is
    /// sent, and verifies it. Returns the name of its blob.
    async fn fetch(&self, file: &CommittedFile, partial: &Path) -> Result<String, HubError> {
        let disk = |source| HubError::Disk { path: partial.to_owned(), source };
        let report = |done| self.hub.progress.report(self.model.repo(), &file.path, done, file.size);
        let mut done = length(partial);
        let mut written = File::options().create(true).append(true).open(partial).map_err(disk)?;
        report(done.min(file.size));
        if done < file.size {
            let (mut stream, begins_at) = self.remote.stream(self.commit, file, done).await?;
            if begins_at < done {
                written.set_len(begins_at).map_err(disk)?;
                done = begins_at;
            }
            while let Some(bytes) = self.remote.next(&mut stream).await? {
                written.write_all(bytes.as_ref()).map_err(disk)?;
                done += bytes.as_ref().len() as u64;
                if done > file.size {
                    break;
                }
                report(done);
            }
        }
        let (repo, path) = (self.model.repo().to_owned(), file.path.clone());
        if done != file.size {
            return Err(HubError::WrongLength { repo, file: path, expected: file.size, found: done });
        }
        file.verify(partial).map_err(disk)?.ok_or(HubError::Checksum { repo, file: path })
    }
}

fn length(path: &Path) -> u64 {
    path.metadata().map_or(0, |metadata| metadata.len())
}

fn remove(path: &Path) -> Result<(), HubError> {
    fs::remove_file(path).map_err(|source| HubError::Disk { path: path.to_owned(), source })
}
