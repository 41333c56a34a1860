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
