//! The fast path: BERT-like classifiers on the CPU, without padding.
//!
//! [`Packing`] packs the weights once into a [`Classifier`]; a forward pass is functions over slices and one reused
//! workspace, token ids in, logits out. The sequences of a batch are concatenated, so that matrix products run over
//! all tokens at once; only attention needs to know where a sequence ends. Start reading at `classifier.rs`, then
//! `encoder.rs` (a layer), `linear.rs` (a matrix product with its epilogue), `tile.rs` (the micro-kernels) and
//! `arch.rs` (SIMD levels).

#![expect(
    clippy::inline_always,
    reason = "a kernel must be inlined into the function that enables its target features"
)]

mod activation;
mod aligned_buf;
mod arch;
mod arithmetic;
mod attention;
mod classifier;
mod dense;
mod encoder;
mod epilogue;
pub(crate) mod kernel_benches;
mod linear;
mod norm;
mod packing;
mod parallel;
mod peak;
mod row_operations;
mod rows;
mod tile;
mod vector;
mod word_embeddings;

use std::sync::Arc;

use rayon::ThreadPool;

use crate::engine::{Cores, Engine, EngineError, TokenBatch};

pub(crate) use arch::SimdLevel;
pub(crate) use arithmetic::Arithmetic;
pub(crate) use classifier::Classifier;
pub(crate) use dense::Dense;
pub(crate) use packing::Packing;
pub use peak::peak_products_per_second;
pub(crate) use row_operations::{RowNorm, gate, softmax};

use classifier::Workspace;

/// The tokens from which a batch is faster on all cores than on one; below, synchronization costs more than it saves.
fn min_parallel_tokens(arithmetic: Arithmetic) -> usize {
    match arithmetic {
        Arithmetic::F32 => 16,
        Arithmetic::Int8 => 48,
    }
}

/// A packed classifier, shared by all workers, with one worker's workspace.
pub(crate) struct CpuEngine {
    model: Arc<Classifier>,
    workspace: Workspace,
    /// The threads for batches that may use all cores; `None` with one core.
    pool: Option<Arc<ThreadPool>>,
}

impl CpuEngine {
    pub(crate) fn new(model: Arc<Classifier>, pool: Option<Arc<ThreadPool>>) -> Self {
        Self { workspace: model.workspace(), model, pool }
    }
}

impl Engine for CpuEngine {
    fn forward(&mut self, batch: &TokenBatch, cores: Cores) -> Result<Vec<Vec<f32>>, EngineError> {
        let (model, workspace) = (&self.model, &mut self.workspace);
        let is_large = batch.tokens() >= min_parallel_tokens(model.arithmetic());
        Ok(match &self.pool {
            Some(pool) if cores == Cores::All && is_large => {
                pool.install(|| model.forward(workspace, batch.sequences(), pool.current_num_threads()))
            }
            _ => model.forward(workspace, batch.sequences(), 1),
        })
    }

    /// Without padding a token costs the same in a small batch as in a large one; small batches reduce waiting.
    fn batch_tokens(&self) -> usize {
        256
    }
}

#[cfg(test)]
mod tests;
