//! The seam between the scheduler and the arithmetic. Above it nothing knows tensors; below it nothing knows queues,
//! callers or windows. An engine answers a batch of token sequences with one row of logits each.

mod batch;
pub(crate) mod candle;
pub(crate) mod cpu;

pub(crate) use batch::TokenBatch;

/// The arithmetic of a classifier, as one worker holds it; no other calls it.
pub(crate) trait Engine: Send {
    /// The logits of every sequence of `batch`, in its order: `[sequences][labels]`.
    ///
    /// Implementations must give a sequence the same logits whatever stands beside it in the batch, up to the
    /// arithmetic's tolerance, and must work again after an error or a panic.
    ///
    /// # Errors
    /// Where the batch cannot be computed. The worker then tries its sequences one by one.
    fn forward(&mut self, batch: &TokenBatch, cores: Cores) -> Result<Vec<Vec<f32>>, EngineError>;

    /// The tokens of a batch above which it gains nothing by being larger.
    fn batch_tokens(&self) -> usize;
}

/// What a batch may use of the processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cores {
    /// The core of the worker's thread: others have work too.
    Own,
    /// All of them: nothing else runs or waits.
    All,
}

/// Whether `row` is an answer: a number for each label.
pub(crate) fn is_usable(row: &[f32], labels: usize) -> bool {
    row.len() == labels && row.iter().all(|logit| logit.is_finite())
}

/// Why a batch could not be computed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    /// The tensor library gave an error.
    #[error("the tensor library failed")]
    Tensor(#[from] candle_core::Error),
    /// The engine failed in a way of its own.
    #[cfg(test)]
    #[error("{0}")]
    Other(&'static str),
}
