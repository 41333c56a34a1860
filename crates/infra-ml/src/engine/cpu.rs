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
mod folding;
pub(crate) mod kernel_benches;
mod large_batches;
mod linear;
mod linear_tensors;
mod norm;
mod packing;
mod panels;
mod parallel;
mod peak;
mod plan;
mod row_operations;
mod rows;
mod scratch;
mod tile;
mod vector;
mod word_embeddings;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuildError};

use crate::cores::last_level_cache_bytes;
use crate::engine::{Cores, Engine, EngineError, TokenBatch, core_threads};

pub(crate) use arch::SimdLevel;
pub(crate) use arithmetic::Arithmetic;
pub(crate) use classifier::Classifier;
pub(crate) use dense::Dense;
pub(crate) use packing::Packing;
pub use peak::peak_products_per_second;
pub(crate) use row_operations::{RowNorm, gate, softmax};

use classifier::Workspace;
use large_batches::LargeBatches;
use plan::Plan;

/// A worker's engine: a packed classifier that all workers share, with a workspace of its own.
pub(crate) struct CpuEngine {
    shared: Arc<Shared>,
    /// For the batches of usual size on this worker's core.
    workspace: Workspace,
}

/// What the engines of a model share. Its memory, and that of all engines, is linear in their number.
struct Shared {
    model: Classifier,
    /// The threads for batches that may use all cores; `None` with one core.
    pool: Option<ThreadPool>,
    plan: Plan,
    /// The workspaces for batches on several cores and for those above the usual size, while none uses them.
    idle: Mutex<Vec<Workspace>>,
    large: LargeBatches,
}

impl CpuEngine {
    /// Creates an engine for each of `workers`, all with the same weights.
    pub(crate) fn for_workers(model: Classifier, workers: usize) -> Result<Vec<Self>, ThreadPoolBuildError> {
        let pool = match workers {
            1 => None,
            workers => Some(core_threads(workers)?),
        };
        let plan = Plan::new(workers, model.encoder_bytes(), last_level_cache_bytes());
        let shared =
            Arc::new(Shared { model, pool, plan, idle: Mutex::default(), large: LargeBatches::default() });
        let engine = |_| Self { workspace: shared.model.workspace(plan.sizes), shared: Arc::clone(&shared) };
        Ok((0..workers).map(engine).collect())
    }
}

impl Shared {
    /// Runs a batch on `cores` cores in a workspace that is reserved only as long as such batches run.
    fn forward(&self, batch: &TokenBatch, cores: usize) -> Vec<Vec<f32>> {
        let _running = self.large.start(cores, self.plan.large_cores());
        let workspace = self.idle().pop();
        let mut workspace = workspace.unwrap_or_else(|| self.model.workspace(self.plan.sizes));
        let logits = match &self.pool {
            Some(pool) if cores > 1 => {
                pool.install(|| self.model.forward(&mut workspace, batch.sequences(), cores))
            }
            _ => self.model.forward(&mut workspace, batch.sequences(), 1),
        };
        let mut idle = self.idle();
        if idle.len() < self.plan.idle_workspaces() {
            idle.push(workspace);
        }
        logits
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Workspace>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine for CpuEngine {
    fn forward(&mut self, batch: &TokenBatch, cores: Cores) -> Result<Vec<Vec<f32>>, EngineError> {
        let cores = self.cores_of(batch.tokens(), cores);
        let Shared { model, plan, .. } = &*self.shared;
        Ok(if cores > 1 || batch.tokens() > plan.batch_tokens() {
            self.shared.forward(batch, cores)
        } else {
            model.forward(&mut self.workspace, batch.sequences(), 1)
        })
    }

    fn cores_of(&self, tokens: usize, cores: Cores) -> usize {
        let Shared { model, plan, .. } = &*self.shared;
        match cores {
            Cores::Own => plan.own_cores(tokens),
            Cores::All => plan.cores(model.arithmetic(), tokens),
        }
    }

    /// Without padding a token costs the same in a small batch as in a large one; small batches reduce waiting and
    /// memory.
    fn batch_tokens(&self) -> usize {
        self.shared.plan.batch_tokens()
    }

    fn min_batch_tokens(&self) -> usize {
        self.shared.plan.min_batch_tokens
    }
}

#[cfg(test)]
mod tests;
