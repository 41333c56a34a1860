//! A model in the layout of a Hugging Face folder, on this machine.

mod error;
mod files;
mod sizes;

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

pub use error::FolderError;
#[cfg(test)]
pub(crate) use files::PYTORCH_INDEX;
pub(crate) use files::{
    ADDED_TOKENS, CONFIG, FileSelection, Incomplete, MERGES, OPTIONAL, REQUIRED_FILES, SENTENCEPIECE,
    SPECIAL_TOKENS_MAP, SPM, TOKENIZER, TOKENIZER_CONFIG, VOCAB_JSON, VOCAB_TXT, WEIGHTS, WeightsFormat,
    shard_names,
};
pub(crate) use sizes::FileSizes;
pub use sizes::TooLarge;

use files::REFERENCE;

/// A folder that contains every required file, at least by name.
pub(crate) struct ModelFolder {
    path: PathBuf,
    files: FileSelection,
}

impl ModelFolder {
    pub(crate) fn open(path: &Path) -> Result<Self, FolderError> {
        if !path.is_dir() {
            return Err(FolderError::FolderMissing { path: path.to_owned() });
        }
        let files = FileSelection::of(&names_in(path)).map_err(|incomplete| match incomplete {
            Incomplete::Missing(name) => FolderError::FileMissing { path: path.join(name) },
            Incomplete::ForeignWeights(found) => FolderError::ForeignWeights { path: path.to_owned(), found },
        })?;
        Ok(Self::new(path, files))
    }

    /// The folder at `path` with `files`, of which the weights may still be missing.
    pub(crate) fn new(path: &Path, files: FileSelection) -> Self {
        Self { path: path.to_owned(), files }
    }

    /// The first file that the folder at `path` lacks, shards included; none where it is whole.
    pub(crate) fn first_missing(path: &Path) -> Option<String> {
        let names = names_in(path);
        match FileSelection::of(&names) {
            Err(Incomplete::Missing(name)) => Some(name.to_owned()),
            Err(Incomplete::ForeignWeights(_)) => Some(WEIGHTS.to_owned()),
            Ok(files) if files.is_sharded() => match read_shard_names(&path.join(files.weights)) {
                Ok(shards) => shards.into_iter().find(|shard| !names.contains(shard)),
                Err(_) => Some(files.weights.to_owned()),
            },
            Ok(_) => None,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path.join(CONFIG)
    }

    /// The path of the small file `name`, if it is one of the model's: where there is a `tokenizer.json`, vocabulary
    /// files are not.
    pub(crate) fn small_file(&self, name: &str) -> Option<PathBuf> {
        self.files.small.contains(&name).then(|| self.path.join(name))
    }

    /// None where the model has no reference.
    pub(crate) fn reference(&self) -> Option<PathBuf> {
        self.small_file(REFERENCE)
    }

    /// Refuses a model whose files have more than `max_bytes` together, shards included, or a file beside the weights
    /// that is too large to be parsed. Files that are missing do not count.
    pub(crate) fn check_size(&self, max_bytes: u64) -> Result<(), FolderError> {
        let model = self.path.display().to_string();
        let size = |path: &Path| path.metadata().map_or(0, |metadata| metadata.len());
        let mut sizes = FileSizes::default();
        sizes.extend(self.files.names().map(|name| (name.to_owned(), size(&self.path.join(name)))));
        sizes.check(&model, max_bytes)?;
        sizes.check_metadata(&model, self.files.metadata())?;
        if self.files.is_sharded() {
            let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            sizes.extend(self.weights()?.iter().map(|path| (name(path), size(path))));
            sizes.check(&model, max_bytes)?;
        }
        Ok(())
    }

    pub(crate) fn weights_format(&self) -> WeightsFormat {
        self.files.weights_format()
    }

    /// The files with the weights: one, or those that the index names.
    pub(crate) fn weights(&self) -> Result<BTreeSet<PathBuf>, FolderError> {
        let path = self.path.join(self.files.weights);
        if !self.files.is_sharded() {
            return Ok(BTreeSet::from([path]));
        }
        let shards = read_shard_names(&path)?;
        if shards.is_empty() {
            return Err(FolderError::FileMissing { path: self.path.join(WEIGHTS) });
        }
        let is_plain = |name: &&String| Path::new(name).file_name() == Some(name.as_ref());
        match shards.iter().find(|name| !is_plain(name)) {
            Some(name) => Err(FolderError::ShardName { path, name: name.clone() }),
            None => Ok(shards.iter().map(|name| self.path.join(name)).collect()),
        }
    }
}

/// The names in the folder, links that lead nowhere left out.
fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let existing = entries.filter(|entry| entry.path().exists());
    existing.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

fn read_shard_names(index: &Path) -> Result<BTreeSet<String>, FolderError> {
    shard_names(&read(index)?).map_err(|source| FolderError::Json { path: index.to_owned(), source })
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, FolderError> {
    fs::read(path).map_err(|source| match source.kind() {
        ErrorKind::NotFound => FolderError::FileMissing { path: path.to_owned() },
        _ => FolderError::FileUnreadable { path: path.to_owned(), source },
    })
}

pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, FolderError> {
    serde_json::from_slice(&read(path)?).map_err(|source| FolderError::Json { path: path.to_owned(), source })
}
