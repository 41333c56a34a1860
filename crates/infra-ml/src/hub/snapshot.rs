//! Which files a model is made of, on the hub and in a folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::hub::error::HubError;
use crate::hub::file_proof::CommittedFile;
use crate::hub::hub_model::HubModel;

const CONFIG: &str = "config.json";
const TOKENIZER: &str = "tokenizer.json";
const REFERENCE: &str = "reference.json";
const WEIGHTS: &str = "model.safetensors";
pub(super) const INDEX: &str = "model.safetensors.index.json";

/// The beginnings of names of weights in formats that are not read.
const OTHER_WEIGHTS: [&str; 5] = ["pytorch_model", "tf_model", "flax_model", "model.onnx", "model.ckpt"];

/// The files of a commit that are fetched.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    /// In the order in which they are to come.
    pub(super) small: Vec<&'a CommittedFile>,
    /// The weights, or the index that names their files. It is shown last: a folder without it is no model.
    pub(super) weights: &'a CommittedFile,
}

impl<'a> Wanted<'a> {
    /// What is wanted of `files`, the commit's.
    pub(super) fn of(model: &HubModel, commit: &str, files: &'a [CommittedFile]) -> Result<Self, HubError> {
        let find = |name: &str| files.iter().find(|file| file.path == name);
        let need = |name: &str| find(name).ok_or_else(|| file_missing(model, commit, name));
        let other = || files.iter().find(|file| OTHER_WEIGHTS.iter().any(|name| file.path.starts_with(name)));
        let Some(weights) = find(WEIGHTS).or_else(|| find(INDEX)) else {
            return Err(match other() {
                Some(other) => HubError::NoSafetensors {
                    repo: model.repo().to_owned(),
                    commit: commit.to_owned(),
                    found: other.path.clone(),
                },
                None => file_missing(model, commit, WEIGHTS),
            });
        };
        let mut small = vec![need(CONFIG)?, need(TOKENIZER)?];
        small.extend(find(REFERENCE));
        Ok(Self { small, weights })
    }

    /// The files that the index at `path` names, out of the commit's.
    pub(super) fn shards(
        model: &HubModel,
        commit: &str,
        files: &'a [CommittedFile],
        path: &Path,
    ) -> Result<Vec<&'a CommittedFile>, HubError> {
        let names = shard_names(path).map_err(|source| HubError::Index { path: path.to_owned(), source })?;
        let find = |name: &String| files.iter().find(|file| &file.path == name);
        names.iter().map(|name| find(name).ok_or_else(|| file_missing(model, commit, name))).collect()
    }
}

/// The first file that `folder` lacks to be a model.
pub(super) fn missing_in(folder: &Path) -> Option<String> {
    let lacks = |name: &&str| !folder.join(name).is_file();
    if let Some(name) = [CONFIG, TOKENIZER].iter().find(|name| lacks(name)) {
        return Some((*name).to_owned());
    }
    if folder.join(WEIGHTS).is_file() {
        return None;
    }
    if lacks(&INDEX) {
        return Some(WEIGHTS.to_owned());
    }
    match shard_names(&folder.join(INDEX)) {
        Ok(names) => names.into_iter().find(|name| lacks(&name.as_str())),
        Err(_) => Some(INDEX.to_owned()),
    }
}

/// The files that an index names, each once.
fn shard_names(index: &Path) -> Result<BTreeSet<String>, application::errors::BoxError> {
    #[derive(Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let index: Index = serde_json::from_slice(&fs::read(index)?)?;
    Ok(index.weight_map.into_values().collect())
}

fn file_missing(model: &HubModel, commit: &str, file: &str) -> HubError {
    HubError::FileMissing { repo: model.repo().to_owned(), commit: commit.to_owned(), file: file.to_owned() }
}
