//! Which files make a model. Fetching from the hub and loading from a folder both select them here.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// The classifier's configuration.
pub(crate) const CONFIG: &str = "config.json";
/// The whole tokenizer, in the format of the `tokenizers` library.
pub(crate) const TOKENIZER: &str = "tokenizer.json";
/// The tokenizer's class and settings.
pub(crate) const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
/// The special tokens by their roles.
pub(crate) const SPECIAL_TOKENS_MAP: &str = "special_tokens_map.json";
/// Tokens added to a vocabulary file, with their ids.
pub(crate) const ADDED_TOKENS: &str = "added_tokens.json";
/// A WordPiece vocabulary.
pub(crate) const VOCAB_TXT: &str = "vocab.txt";
/// The vocabulary of byte-level BPE.
pub(crate) const VOCAB_JSON: &str = "vocab.json";
/// The merges of byte-level BPE.
pub(crate) const MERGES: &str = "merges.txt";
/// A SentencePiece model, as XLM-RoBERTa and CamemBERT name it.
pub(crate) const SENTENCEPIECE: &str = "sentencepiece.bpe.model";
/// A SentencePiece model, as DeBERTa names it.
pub(crate) const SPM: &str = "spm.model";
/// The weights in one file.
pub(crate) const WEIGHTS: &str = "model.safetensors";
/// Names the file of each tensor, where the weights are in several files.
pub(crate) const WEIGHTS_INDEX: &str = "model.safetensors.index.json";
/// The weights in PyTorch's own format.
pub(crate) const PYTORCH_WEIGHTS: &str = "pytorch_model.bin";
/// Names the file of each tensor, where weights in PyTorch's own format are in several files.
pub(crate) const PYTORCH_INDEX: &str = "pytorch_model.bin.index.json";
/// Texts with the logits that the model must give.
pub(crate) const REFERENCE: &str = "reference.json";

/// The vocabularies that tokenizers are made from where there is no `tokenizer.json`.
const VOCABULARIES: [&str; 5] = [VOCAB_TXT, VOCAB_JSON, MERGES, SENTENCEPIECE, SPM];
/// What changes how a model reads or is checked, where a repository has it.
pub(crate) const OPTIONAL: [&str; 4] = [TOKENIZER_CONFIG, SPECIAL_TOKENS_MAP, ADDED_TOKENS, REFERENCE];

/// Weights, the preferred form first: the order of transformers.
const WEIGHT_FORMS: [&str; 4] = [WEIGHTS, WEIGHTS_INDEX, PYTORCH_WEIGHTS, PYTORCH_INDEX];

/// How the names of weights in formats that are not read end: ONNX, TensorFlow, Flax, Rust, Core ML, GGUF.
const FOREIGN_ENDINGS: [&str; 8] =
    [".onnx", ".h5", ".tflite", ".msgpack", ".ot", ".mlmodel", ".mlpackage", ".gguf"];
/// How the names of a checkpoint of TensorFlow 1 begin.
const FOREIGN_BEGINNING: &str = "model.ckpt";
/// Folders for weights in other formats.
const FOREIGN_FOLDERS: [&str; 3] = ["onnx", "coreml", "openvino"];

/// The required files in words, for messages.
pub(crate) const REQUIRED_FILES: &str = "config.json, a tokenizer (tokenizer.json, vocab.txt, vocab.json with \
                                         merges.txt, sentencepiece.bpe.model or spm.model) and weights \
                                         (model.safetensors or pytorch_model.bin)";

/// The files of a listing that make a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileSelection {
    /// Everything but the weights.
    pub(crate) small: Vec<&'static str>,
    /// The weights, or the index that names their files.
    pub(crate) weights: &'static str,
}

/// The format of the files with weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WeightsFormat {
    Safetensors,
    /// What `torch.save` writes.
    Pytorch,
}

/// Why a listing of files is no model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Incomplete {
    /// A required file is missing.
    Missing(&'static str),
    /// There are weights, but only in these files or folders, which are not read.
    ForeignWeights(String),
}

impl FileSelection {
    /// Selects from `names`, the files and folders in a folder or in a commit.
    pub(crate) fn of(names: &BTreeSet<String>) -> Result<Self, Incomplete> {
        let has = |name: &&str| names.contains(*name);
        if !has(&CONFIG) {
            return Err(Incomplete::Missing(CONFIG));
        }
        let tokenizer: Vec<_> =
            if has(&TOKENIZER) { vec![TOKENIZER] } else { VOCABULARIES.into_iter().filter(has).collect() };
        if tokenizer.is_empty() {
            return Err(Incomplete::Missing(TOKENIZER));
        }
        let Some(weights) = WEIGHT_FORMS.into_iter().find(|name| has(name)) else {
            let foreign: Vec<&str> =
                names.iter().map(String::as_str).filter(|name| is_foreign(name)).collect();
            return Err(match foreign.as_slice() {
                [] => Incomplete::Missing(WEIGHTS),
                foreign => Incomplete::ForeignWeights(foreign.join(", ")),
            });
        };
        let optional = OPTIONAL.into_iter().filter(has);
        let small = [CONFIG].into_iter().chain(tokenizer).chain(optional).collect();
        Ok(Self { small, weights })
    }

    /// All names; shards are in none of them.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.small.iter().copied().chain([self.weights])
    }

    /// The names of the files that are read as a whole: all but the weights.
    pub(crate) fn metadata(&self) -> impl Iterator<Item = &'static str> {
        self.small.iter().copied().chain(self.is_sharded().then_some(self.weights))
    }

    /// Whether the weights are in the files that an index names.
    pub(crate) fn is_sharded(&self) -> bool {
        matches!(self.weights, WEIGHTS_INDEX | PYTORCH_INDEX)
    }

    pub(crate) fn weights_format(&self) -> WeightsFormat {
        match self.weights {
            PYTORCH_WEIGHTS | PYTORCH_INDEX => WeightsFormat::Pytorch,
            _ => WeightsFormat::Safetensors,
        }
    }
}

/// Whether a file or folder of this name has weights in a format that is not read.
fn is_foreign(name: &str) -> bool {
    FOREIGN_ENDINGS.iter().any(|end| name.ends_with(end))
        || name.starts_with(FOREIGN_BEGINNING)
        || FOREIGN_FOLDERS.contains(&name)
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
        let all =
            [CONFIG, "README.md", REFERENCE, TOKENIZER, VOCAB_TXT, WEIGHTS, WEIGHTS_INDEX, PYTORCH_WEIGHTS];
        let expected = FileSelection { small: vec![CONFIG, TOKENIZER, REFERENCE], weights: WEIGHTS };
        assert_eq!(select(&all), Ok(expected));
        let sharded = select(&[CONFIG, TOKENIZER, WEIGHTS_INDEX]).unwrap();
        assert_eq!((sharded.small.len(), sharded.is_sharded()), (2, true));
    }

    #[test]
    fn vocabularies_and_pytorch_weights_are_selected_where_nothing_better_is_there() {
        let found = select(&[CONFIG, VOCAB_JSON, MERGES, TOKENIZER_CONFIG, PYTORCH_INDEX]).unwrap();
        assert_eq!(found.small, [CONFIG, VOCAB_JSON, MERGES, TOKENIZER_CONFIG]);
        assert!(found.is_sharded());
        let both = select(&[CONFIG, VOCAB_TXT, PYTORCH_INDEX, PYTORCH_WEIGHTS]).unwrap();
        assert_eq!(both.weights, PYTORCH_WEIGHTS);
    }

    #[test]
    fn a_missing_file_and_foreign_weights_are_named() {
        assert_eq!(select(&[]), Err(Incomplete::Missing(CONFIG)));
        assert_eq!(select(&[CONFIG, WEIGHTS]), Err(Incomplete::Missing(TOKENIZER)));
        assert_eq!(select(&[CONFIG, TOKENIZER]), Err(Incomplete::Missing(WEIGHTS)));
        for (names, found) in [
            (&["tf_model.h5"][..], "tf_model.h5"),
            (&["rust_model.ot", "flax_model.msgpack"], "flax_model.msgpack, rust_model.ot"),
            (&["onnx", "coreml", "README.md", "training_args.bin"], "coreml, onnx"),
            (&["model.onnx"], "model.onnx"),
            (&["model.ckpt.index"], "model.ckpt.index"),
        ] {
            let names = [&[CONFIG, TOKENIZER], names].concat();
            assert_eq!(select(&names), Err(Incomplete::ForeignWeights(found.to_owned())));
        }
    }

    #[test]
    fn every_file_is_in_the_words_for_messages() {
        for name in VOCABULARIES.into_iter().chain([CONFIG, TOKENIZER, WEIGHTS, PYTORCH_WEIGHTS]) {
            assert!(REQUIRED_FILES.contains(name), "{name}");
        }
    }
}
