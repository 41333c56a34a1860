use std::fs;
use std::path::{Path, PathBuf};

use application::errors::BoxError;
use serde::de::DeserializeOwned;

use super::class::TokenizerClass;
use super::configuration::Configuration;
use super::tokenizer_json::TokenizerJson;
use crate::load_error::{LoadError, TokenizerError};
use crate::model_folder::{self, CONFIG, FolderError, ModelFolder, TOKENIZER, TOKENIZER_CONFIG};

/// The largest file that is read, above any published tokenizer.
const MOST_BYTES: u64 = 64 << 20;

/// A folder's tokenizer files, read and merged, and the class that they are for.
pub(super) struct TokenizerSource<'a> {
    folder: &'a ModelFolder,
    pub(super) class: TokenizerClass,
    pub(super) configuration: Configuration,
    /// None where the class is made from its vocabulary files.
    pub(super) json: Option<TokenizerJson>,
}

impl<'a> TokenizerSource<'a> {
    pub(super) fn read(folder: &'a ModelFolder) -> Result<Self, LoadError> {
        let model_config = read_json(&folder.path().join(CONFIG))?;
        let tokenizer_config = read_small_json(folder, TOKENIZER_CONFIG)?;
        let path = |name| folder.path().join(name);
        let class = TokenizerClass::choose(
            (&path(CONFIG), &model_config),
            (&path(TOKENIZER_CONFIG), tokenizer_config.as_ref()),
        )?;
        let json = match folder.small_file(TOKENIZER) {
            Some(path) => Some(TokenizerJson::parse(&path, read_bounded(&path)?)?),
            None => None,
        };
        let configuration = Configuration::merge(folder, class, tokenizer_config, json.as_ref())?;
        Ok(Self { folder, class, configuration, json })
    }

    /// Reads the vocabulary file `name` of the class.
    pub(super) fn vocabulary_file(&self, name: &'static str) -> Result<Vec<u8>, LoadError> {
        let path = self.folder.small_file(name).ok_or_else(|| self.missing(name))?;
        read_bounded(&path)
    }

    /// Returns the error for a folder without the file `name`, which the class needs.
    pub(super) fn missing(&self, name: &str) -> TokenizerError {
        TokenizerError::FileMissing {
            path: self.folder.path().join(name),
            class: self.class.to_string(),
            files: self.class.vocabulary_files().join(" and "),
        }
    }

    /// The file that the vocabulary is read from, for messages.
    pub(super) fn path(&self) -> PathBuf {
        match &self.json {
            Some(json) => json.path().to_owned(),
            None => self.folder.path().join(self.class.vocabulary_files()[0]),
        }
    }

    /// Returns the error for a vocabulary that is not usable because of `source`.
    pub(super) fn refuse(&self, source: impl Into<BoxError>) -> TokenizerError {
        TokenizerError::Unusable { path: self.path(), source: source.into() }
    }
}

/// Reads the folder's file `name`, where it has one.
pub(super) fn read_small_json<T: DeserializeOwned>(
    folder: &ModelFolder,
    name: &str,
) -> Result<Option<T>, LoadError> {
    folder.small_file(name).map(|path| read_json(&path)).transpose()
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, LoadError> {
    let json = serde_json::from_slice(&read_bounded(path)?);
    json.map_err(|source| FolderError::Json { path: path.to_owned(), source }.into())
}

fn read_bounded(path: &Path) -> Result<Vec<u8>, LoadError> {
    if let Ok(metadata) = fs::metadata(path)
        && metadata.len() > MOST_BYTES
    {
        let (path, bytes) = (path.to_owned(), metadata.len());
        return Err(TokenizerError::TooLarge { path, bytes, most: MOST_BYTES }.into());
    }
    Ok(model_folder::read(path)?)
}
