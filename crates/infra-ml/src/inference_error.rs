use application::ports::MlError;

use crate::engine::EngineError;

/// Why there are no usable logits for a text. No message contains the text.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InferenceError {
    /// The text could not be tokenized.
    #[error("the tokenizer refused the text")]
    TokenizerRefused,
    #[error("the tokenizer panicked")]
    TokenizerPanicked,
    #[error("the tokenizer's thread was stopped")]
    TokenizerStopped,
    /// The engine returned an error.
    #[error("the engine failed")]
    Engine {
        #[source]
        source: EngineError,
    },
    #[error("the engine panicked: {message}")]
    EnginePanicked { message: String },
    /// Not one row of logits for each sequence.
    #[error("the engine returned {rows} rows for {sequences} sequences")]
    Rows { rows: usize, sequences: usize },
    #[error("a logit is not a finite number, or one is missing")]
    NotUsable,
}

/// Why the model cannot be used now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAvailable {
    #[error("the model is still loading")]
    Loading,
    #[error("the model has stopped, or could not be loaded")]
    Stopped,
}

impl From<NotAvailable> for MlError {
    fn from(reason: NotAvailable) -> Self {
        Self::unavailable(reason)
    }
}
