use std::path::PathBuf;

use application::errors::BoxError;

/// A model that fails when it is built or tried: on the device, in the self-test or in the warm-up.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// The engine cannot be built from the weights, or fails.
    #[error("the model in {} cannot run on the device", path.display())]
    Engine {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// A reference text has other tokens.
    #[error(
        "self-test failed: text {case} of {} is cut into other tokens than the reference says; tokenizer.json does not \
         belong to this model", path.display()
    )]
    Tokens {
        /// The reference.
        path: PathBuf,
        /// The index of the text, from 0.
        case: usize,
    },
    /// The logits of a reference text are too far from the reference.
    #[error(
        "self-test failed: the logits of text {case} of {} differ by {difference} where {tolerance} is allowed; the \
         weights or this machine's arithmetic are not those of the reference", path.display()
    )]
    Logits {
        /// The reference.
        path: PathBuf,
        /// The index of the text, from 0.
        case: usize,
        /// The largest difference.
        difference: f32,
        /// The allowed difference.
        tolerance: f32,
    },
    /// A trial run gave no usable logits.
    #[error("the model in {} gives no usable numbers: {reason}; the weights are damaged", path.display())]
    NotUsable {
        /// The folder.
        path: PathBuf,
        /// What it gave.
        reason: String,
    },
}
