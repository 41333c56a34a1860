//! The interface between scheduling and arithmetic: an engine computes the logits of a batch of token sequences.
//! Nothing above it depends on tensors; nothing below it depends on queues, callers or windows.

mod batch;
pub(crate) mod candle;
pub(crate) mod cpu;

pub(crate) use batch::TokenBatch;

/// A classifier that computes logits; each worker owns one.
pub(crate) trait Engine: Send {
    /// Returns the logits of the sequences of `batch`, in order: `[sequences, labels]`.
    ///
    /// Implementations must return the same logits for a sequence whatever else is in the batch, within the tolerance
    /// of the arithmetic, and must remain usable after an error or a panic.
    ///
    /// # Errors
    /// If the batch cannot be computed. The worker then runs its sequences one by one.
    fn forward(&mut self, batch: &TokenBatch, cores: Cores) -> Result<Vec<Vec<f32>>, EngineError>;

    /// The tokens beyond which a larger batch is not more efficient.
    fn batch_tokens(&self) -> usize;
}

/// The cores that a batch may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cores {
    /// The worker's thread only: other workers are busy or have work waiting.
    Own,
    /// All cores: nothing else runs or waits.
    All,
}

/// Whether `row` holds a finite logit for each label.
pub(crate) fn is_usable(row: &[f32], labels: usize) -> bool {
    row.len() == labels && row.iter().all(|logit| logit.is_finite())
}

/// Why a batch could not be computed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    /// Candle returned an error.
    #[error("the tensor library failed")]
    Tensor(#[from] candle_core::Error),
    /// A fake engine failed on purpose.
    #[cfg(test)]
    #[error("{0}")]
    Other(&'static str),
}
