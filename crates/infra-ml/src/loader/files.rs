use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::load_error::LoadError;

/// The files of a Hugging Face folder.
pub(super) struct ModelFolder {
    path: PathBuf,
}

impl ModelFolder {
    pub(super) fn open(path: &Path) -> Result<Self, LoadError> {
        if path.is_dir() {
            Ok(Self { path: path.to_owned() })
        } else {
            Err(LoadError::FolderMissing { path: path.to_owned() })
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder's own name.
    pub(super) fn name(&self) -> String {
        let whole = self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
        whole.file_name().map_or_else(|| "model".to_owned(), |name| name.to_string_lossy().into_owned())
    }

    pub(super) fn config(&self) -> PathBuf {
        self.path.join("config.json")
    }

    pub(super) fn tokenizer(&self) -> PathBuf {
        self.path.join("tokenizer.json")
    }

    /// The weights in one file.
    pub(super) fn weights(&self) -> PathBuf {
        self.path.join("model.safetensors")
    }

    /// What says in which of several files a tensor lies.
    pub(super) fn weights_index(&self) -> PathBuf {
        self.path.join("model.safetensors.index.json")
    }

    /// The files of the folder that hold weights in other formats.
    pub(super) fn foreign_weights(&self) -> Vec<PathBuf> {
        let names = [
            "pytorch_model.bin",
            "pytorch_model.bin.index.json",
            "tf_model.h5",
            "flax_model.msgpack",
            "model.onnx",
        ];
        names.iter().map(|name| self.path.join(name)).filter(|path| path.is_file()).collect()
    }

    pub(super) fn reference(&self) -> PathBuf {
        self.path.join("reference.json")
    }
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    fs::read(path).map_err(|source| match source.kind() {
        ErrorKind::NotFound => LoadError::FileMissing { path: path.to_owned() },
        _ => LoadError::FileUnreadable { path: path.to_owned(), source },
    })
}

pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, LoadError> {
    serde_json::from_slice(&read(path)?).map_err(|source| LoadError::Json { path: path.to_owned(), source })
}
