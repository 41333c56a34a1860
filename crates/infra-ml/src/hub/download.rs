use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::hub::cache::RepoCache;
use crate::hub::error::HubError;
use crate::hub::file_proof::CommittedFile;
use crate::hub::hub_model::HubModel;
use crate::hub::patience::Patience;
use crate::hub::remote::Remote;
use crate::hub::settings::HubSettings;

/// The fetching of the files of one commit into the cache.
pub(super) struct Download<'a> {
    pub(super) model: &'a HubModel,
    pub(super) settings: &'a HubSettings,
    pub(super) remote: &'a Remote<'a>,
    pub(super) cache: &'a RepoCache,
    pub(super) commit: &'a str,
}

impl Download<'_> {
    /// The blob that holds `file`: the one of the cache, or what is fetched. What was cut goes on where it was cut,
    /// also after the end of this process; what is not as the commit says is fetched once more from its beginning.
    pub(super) async fn blob(&self, file: &CommittedFile) -> Result<PathBuf, HubError> {
        if let Some(blob) = self.cache.blob_of(file) {
            return Ok(blob);
        }
        let _lock = self.cache.lock(file).await?;
        if let Some(blob) = self.cache.blob_of(file) {
            return Ok(blob);
        }
        let partial = self.cache.partial(file);
        let mut patience = Patience::new(self.settings);
        let mut was_damaged = false;
        loop {
            let before = length(&partial);
            let error = match self.fetch(file, &partial).await {
                Ok(name) => return self.cache.keep(&partial, &name),
                Err(error) => error,
            };
            if matches!(error, HubError::WrongLength { .. } | HubError::Checksum { .. }) {
                remove(&partial)?;
                if was_damaged {
                    return Err(error);
                }
                was_damaged = true;
            } else if length(&partial) > before {
                patience.renew();
            }
            patience.outlast(error).await?;
        }
    }

    /// Fetches what `partial` lacks of `file`; gives the name of its blob.
    async fn fetch(&self, file: &CommittedFile, partial: &Path) -> Result<String, HubError> {
        let disk = |source| HubError::Disk { path: partial.to_owned(), source };
        let mut kept = length(partial);
        let mut written = File::options().create(true).append(true).open(partial).map_err(disk)?;
        let progress = &self.settings.progress;
        progress.report(self.model.repo(), &file.path, kept.min(file.size), file.size);
        if kept < file.size {
            let mut stream = self.remote.stream(self.commit, file, kept).await?;
            while let Some(bytes) = self.remote.next(&mut stream).await? {
                written.write_all(bytes.as_ref()).map_err(disk)?;
                kept += bytes.as_ref().len() as u64;
                if kept > file.size {
                    break;
                }
                progress.report(self.model.repo(), &file.path, kept, file.size);
            }
        }
        let (repo, path) = (self.model.repo().to_owned(), file.path.clone());
        if kept != file.size {
            return Err(HubError::WrongLength { repo, file: path, expected: file.size, found: kept });
        }
        file.prove(partial).map_err(disk)?.ok_or(HubError::Checksum { repo, file: path })
    }
}

fn length(path: &Path) -> u64 {
    path.metadata().map_or(0, |metadata| metadata.len())
}

fn remove(path: &Path) -> Result<(), HubError> {
    fs::remove_file(path).map_err(|source| HubError::Disk { path: path.to_owned(), source })
}
