//! The interface between scheduling and arithmetic: an engine computes the logits of a batch of token sequences.
//! Nothing above it depends on tensors; nothing below it depends on queues, callers or windows.

mod batch;
pub(crate) mod candle;
pub(crate) mod cpu;
mod tensor_error;

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

pub(crate) use batch::TokenBatch;
pub(crate) use tensor_error::TensorError;

/// Creates threads that compute one batch together.
fn core_threads(threads: usize) -> Result<ThreadPool, ThreadPoolBuildError> {
    let builder = ThreadPoolBuilder::new().num_threads(threads);
    builder.thread_name(|number| format!("undertone-core-{number}")).build()
}

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

    /// The number of cores that compute a batch of `tokens` that may use `cores`, at most as many as there are workers.
    fn cores_of(&self, tokens: usize, cores: Cores) -> usize;

    /// The tokens beyond which a larger batch is not more efficient.
    fn batch_tokens(&self) -> usize;

    /// The tokens below which it is not worth to divide what waits among idle workers: each of them loads all weights.
    fn min_batch_tokens(&self) -> usize {
        0
    }
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

/// Returns the largest difference between two rows of numbers: NaN where one of them is NaN, infinity where the rows
/// differ in length. `f32::max` would drop the NaN.
pub(crate) fn largest_difference(found: &[f32], expected: &[f32]) -> f32 {
    if found.len() != expected.len() {
        return f32::INFINITY;
    }
    let differences = found.iter().zip(expected).map(|(found, expected)| (found - expected).abs());
    differences.fold(0.0, |largest, next| if next > largest || next.is_nan() { next } else { largest })
}

/// Why a batch could not be computed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    /// Candle returned an error.
    #[error("the tensor library failed")]
    Tensor(#[from] TensorError),
    /// A fake engine failed on purpose.
    #[cfg(test)]
    #[error("{0}")]
    Other(&'static str),
}

impl From<candle_core::Error> for EngineError {
    fn from(error: candle_core::Error) -> Self {
        Self::Tensor(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_difference_is_nan_wherever_a_number_is_nan() {
        assert!((largest_difference(&[1.0, 5.0, 2.0], &[1.5, 3.0, 2.0]) - 2.0).abs() < f32::EPSILON);
        for place in 0..3 {
            let mut found = [1.0, 2.0, 3.0];
            found[place] = f32::NAN;
            assert!(largest_difference(&found, &[4.0; 3]).is_nan());
            assert!(largest_difference(&[4.0; 3], &found).is_nan());
        }
        assert!(largest_difference(&[f32::INFINITY], &[f32::INFINITY]).is_nan());
    }

    #[test]
    fn rows_of_different_lengths_differ_infinitely() {
        assert!(largest_difference(&[1.0], &[1.0, 2.0]).is_infinite());
        assert!(largest_difference(&[], &[]).abs() < f32::EPSILON);
    }
}
