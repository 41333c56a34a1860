//! Which files make a model. Fetching from the hub and loading from a folder both select them here.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// The classifier's configuration.
pub(crate) const CONFIG: &str = "config.json";
/// The tokenizer.
pub(crate) const TOKENIZER: &str = "tokenizer.json";
/// The weights in one file.
pub(crate) const WEIGHTS: &str = "model.safetensors";
/// Names the file of each tensor, where the weights are in several files.
pub(crate) const WEIGHTS_INDEX: &str = "model.safetensors.index.json";
/// Texts with the logits that the model must give.
pub(crate) const REFERENCE: &str = "reference.json";

const REQUIRED: [&str; 2] = [CONFIG, TOKENIZER];
const OPTIONAL: [&str; 1] = [REFERENCE];

/// Weights, the preferred form first.
const WEIGHT_FORMS: [&str; 2] = [WEIGHTS, WEIGHTS_INDEX];

/// How the names of weights in formats that are not read begin.
const FOREIGN_WEIGHTS: [&str; 5] = ["pytorch_model", "tf_model", "flax_model", "model.onnx", "model.ckpt"];

/// The required files in words, for messages.
pub(crate) const REQUIRED_FILES: &str = "config.json, tokenizer.json and model.safetensors";

/// The files of a listing that make a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileSelection {
    /// Everything but the weights.
    pub(crate) small: Vec<&'static str>,
    /// The weights, or the index that names their files.
    pub(crate) weights: &'static str,
}

/// Why a listing of files is no model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Incomplete {
    /// A required file is missing.
    Missing(&'static str),
    /// There are weights, but in another format.
    ForeignWeights(String),
}

impl FileSelection {
    /// Selects from `names`, the files of a folder or of a commit.
    pub(crate) fn of(names: &BTreeSet<String>) -> Result<Self, Incomplete> {
        let has = |name: &&str| names.contains(*name);
        if let Some(missing) = REQUIRED.iter().find(|name| !has(name)) {
            return Err(Incomplete::Missing(missing));
        }
        let Some(weights) = WEIGHT_FORMS.into_iter().find(|name| has(name)) else {
            let is_foreign = |name: &&String| FOREIGN_WEIGHTS.iter().any(|start| name.starts_with(start));
            return Err(match names.iter().find(is_foreign) {
                Some(foreign) => Incomplete::ForeignWeights(foreign.clone()),
                None => Incomplete::Missing(WEIGHTS),
            });
        };
        let small = REQUIRED.into_iter().chain(OPTIONAL.into_iter().filter(|name| has(name))).collect();
        Ok(Self { small, weights })
    }

    /// Whether the weights are in the files that an index names.
    pub(crate) fn is_sharded(&self) -> bool {
        self.weights == WEIGHTS_INDEX
    }
}

/// The names of the files that an index of weights lists, each once.
pub(crate) fn shard_names(index: &[u8]) -> Result<BTreeSet<String>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Index {
        /// The file of each tensor.
        weight_map: BTreeMap<String, String>,
    }
    let index: Index = serde_json::from_slice(index)?;
    Ok(index.weight_map.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn select(names: &[&str]) -> Result<FileSelection, Incomplete> {
        FileSelection::of(&names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn only_the_files_of_a_model_are_selected() {
        let all = [CONFIG, "README.md", REFERENCE, TOKENIZER, WEIGHTS, WEIGHTS_INDEX, "pytorch_model.bin"];
        let expected = FileSelection { small: vec![CONFIG, TOKENIZER, REFERENCE], weights: WEIGHTS };
        assert_eq!(select(&all), Ok(expected));
        let sharded = select(&[CONFIG, TOKENIZER, WEIGHTS_INDEX]).unwrap();
        assert_eq!((sharded.small.len(), sharded.is_sharded()), (2, true));
    }

    #[test]
    fn a_missing_file_and_foreign_weights_are_named() {
        assert_eq!(select(&[]), Err(Incomplete::Missing(CONFIG)));
        assert_eq!(select(&[CONFIG, WEIGHTS]), Err(Incomplete::Missing(TOKENIZER)));
        assert_eq!(select(&[CONFIG, TOKENIZER]), Err(Incomplete::Missing(WEIGHTS)));
        let foreign = Incomplete::ForeignWeights("pytorch_model-00001-of-00002.bin".to_owned());
        assert_eq!(select(&[CONFIG, TOKENIZER, "pytorch_model-00001-of-00002.bin"]), Err(foreign));
    }

    #[test]
    fn every_file_is_in_the_words_for_messages() {
        for name in REQUIRED.into_iter().chain([WEIGHTS]) {
            assert!(REQUIRED_FILES.contains(name));
        }
    }
}
