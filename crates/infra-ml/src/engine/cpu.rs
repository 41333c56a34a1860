//! The fast path: a BERT classifier on the CPU without padding.
//!
//! Weights are packed once, [`Classifier`]; a forward is functions over slices and one reused workspace, token ids in,
//! logits out. All sequences of a batch lie one behind the other, so that products run over all tokens at once, and only
//! attention looks at where a sequence ends. Start reading at `classifier.rs`, then `encoder.rs` (a layer), `linear.rs`
//! (a product and what becomes of it while it is in registers), `tile.rs` (the innermost loops) and `arch.rs` (which
//! instructions they become).

#![expect(
    clippy::inline_always,
    reason = "a loop is only as good as the instructions of the function it ends up in"
)]

mod activation;
mod arch;
mod attention;
mod classifier;
mod encoder;
mod linear;
mod lines;
pub(crate) mod measured;
mod norm;
mod packing;
mod parallel;
mod peak;
mod rows;
mod tile;
mod words;

use std::sync::Arc;

use rayon::ThreadPool;

use crate::engine::{Cores, Engine, EngineError, TokenBatch};

pub(crate) use arch::Level;
pub(crate) use classifier::Classifier;
pub(crate) use linear::Arithmetic;
pub(crate) use packing::Packing;
pub use peak::peak_products_per_second;

use classifier::Workspace;

/// The tokens from which on a batch is faster on all cores than on one: below, what the cores wait for one another is
/// more than what they save.
fn worth_sharing(arithmetic: Arithmetic) -> usize {
    match arithmetic {
        Arithmetic::F32 => 16,
        Arithmetic::Int8 => 48,
    }
}

/// One worker's hold on a packed model.
pub(crate) struct CpuEngine {
    model: Arc<Classifier>,
    space: Workspace,
    /// The threads for what may use all cores; none where there is one core.
    pool: Option<Arc<ThreadPool>>,
}

impl CpuEngine {
    pub(crate) fn new(model: Arc<Classifier>, pool: Option<Arc<ThreadPool>>) -> Self {
        Self { space: model.workspace(), model, pool }
    }
}

impl Engine for CpuEngine {
    fn forward(&mut self, batch: &TokenBatch, cores: Cores) -> Result<Vec<Vec<f32>>, EngineError> {
        let (model, space) = (&self.model, &mut self.space);
        Ok(match &self.pool {
            Some(pool) if cores == Cores::All && batch.tokens() >= worth_sharing(model.arithmetic()) => {
                pool.install(|| model.forward(space, batch.sequences(), pool.current_num_threads()))
            }
            _ => model.forward(space, batch.sequences(), 1),
        })
    }

    /// A token costs the same in a small batch as in a large one, so that batches are small: who comes late waits less.
    fn batch_tokens(&self) -> usize {
        256
    }
}

#[cfg(test)]
mod tests;
