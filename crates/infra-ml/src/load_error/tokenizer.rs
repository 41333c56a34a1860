use std::path::PathBuf;

use application::errors::BoxError;

/// A tokenizer that cannot be used with the model.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// The tokenizer cannot be read, or lacks what a classifier needs.
    #[error("{} is not a tokenizer that can be used; fetch it again", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// A class that is not supported.
    #[error(
        "{} names the tokenizer class {class}, which is not supported; supported are {supported}", path.display()
    )]
    Class {
        /// The configuration.
        path: PathBuf,
        /// The class.
        class: String,
        /// The names of the supported classes.
        supported: String,
    },
    /// No file names a class, and that of the model type is not known.
    #[error(
        "{} has the model_type {model_type}, whose tokenizer is not known; name its class as tokenizer_class in \
         tokenizer_config.json, one of {supported}", path.display()
    )]
    ModelType {
        /// The model's configuration.
        path: PathBuf,
        /// The type.
        model_type: String,
        /// The names of the supported classes.
        supported: String,
    },
    /// The tokenizer is Python code.
    #[error(
        "{} names code of the repository for the tokenizer (auto_map), which is never run; use a model whose tokenizer \
         is a class of transformers", path.display()
    )]
    RemoteCode {
        /// The tokenizer's configuration.
        path: PathBuf,
    },
    /// A file that the class is made from is missing.
    #[error(
        "{} is missing; the tokenizer class {class} is made from {files}, or from tokenizer.json: fetch the file",
        path.display()
    )]
    FileMissing {
        /// The file.
        path: PathBuf,
        /// The class.
        class: String,
        /// The names of its files.
        files: String,
    },
    /// A setting has an unusable value.
    #[error("{}: {key} must be {expected}; fetch the file again", path.display())]
    Setting {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A file is larger than any tokenizer.
    #[error("{} has {bytes} bytes, but at most {most} are read for a tokenizer; fetch it again", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The largest size.
        most: u64,
    },
    /// The tokenizer has more tokens than the model.
    #[error(
        "{} gives token ids up to {largest}, but the model has {vocabulary} tokens; they do not belong together",
        path.display()
    )]
    Vocabulary {
        /// The tokenizer.
        path: PathBuf,
        /// The largest id.
        largest: u32,
        /// The model's `vocab_size`.
        vocabulary: usize,
    },
}
