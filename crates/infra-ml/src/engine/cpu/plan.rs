use super::arithmetic::Arithmetic;
use super::scratch::BlockSizes;

/// How batches are sized and divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    workers: usize,
    /// The tokens below which what waits is not divided among idle workers.
    pub(super) min_batch_tokens: usize,
    pub(super) sizes: BlockSizes,
}

/// With more workers than these, memory for each counts more than the last percent of throughput.
const FEW_WORKERS: usize = 16;

/// The most cores of a batch above the usual size, where there are many workers. Fewer of them run at once on the same
/// cores, which needs a fraction of the memory.
const LARGE_BATCH_CORES: usize = 4;

/// The tokens that repay loading the weights of a model that no cache holds, whatever the number of workers.
const MAX_MIN_BATCH_TOKENS: usize = 96;

impl Plan {
    /// The plan for `workers` whose model has `encoder_bytes` of weights that each batch reads, with a last-level cache
    /// of `cache_bytes`.
    pub(super) fn new(workers: usize, encoder_bytes: usize, cache_bytes: usize) -> Self {
        let is_cached = encoder_bytes <= cache_bytes / 2;
        let sizes = if workers <= FEW_WORKERS {
            BlockSizes { tokens: 256, ffn: 96, short: 96, long: 256 }
        } else if is_cached {
            // Multiples of the six rows of an output tile.
            BlockSizes { tokens: 72, ffn: 24, short: 24, long: 66 }
        } else {
            // Larger blocks load the weights less often.
            BlockSizes { tokens: 96, ffn: 96, short: 96, long: 96 }
        };
        // While a core multiplies a token by a byte of weights, memory delivers that byte to about 0.7 cores.
        let repaying = (workers * 3 / 2).min(MAX_MIN_BATCH_TOKENS);
        let min_batch_tokens = if is_cached { 0 } else { repaying };
        Self { workers, min_batch_tokens, sizes }
    }

    /// The tokens of a batch of usual size.
    pub(super) fn batch_tokens(&self) -> usize {
        self.sizes.tokens
    }

    /// The cores that compute a batch of `tokens` that may use all of them.
    pub(super) fn cores(&self, arithmetic: Arithmetic, tokens: usize) -> usize {
        if tokens < min_parallel_tokens(arithmetic) {
            1
        } else {
            (tokens / TOKENS_PER_CORE).max(2).min(self.workers)
        }
    }

    /// The cores that compute a batch of `tokens` while others run.
    pub(super) fn own_cores(&self, tokens: usize) -> usize {
        let most = if self.workers <= FEW_WORKERS { 1 } else { LARGE_BATCH_CORES };
        tokens.div_ceil(self.batch_tokens()).clamp(1, most)
    }

    /// The most cores of all batches above the usual size that run at once.
    pub(super) fn large_cores(&self) -> usize {
        if self.workers <= FEW_WORKERS { usize::MAX } else { self.workers }
    }

    /// The workspaces that stay reserved while no batch needs them.
    pub(super) fn idle_workspaces(&self) -> usize {
        if self.workers <= FEW_WORKERS { self.workers } else { self.workers / 16 + 1 }
    }
}

/// The tokens from which a batch is faster on two cores than on one; below, synchronization costs more than it saves.
fn min_parallel_tokens(arithmetic: Arithmetic) -> usize {
    match arithmetic {
        Arithmetic::F32 => 16,
        Arithmetic::Int8 => 48,
    }
}

/// The tokens that each further core must have to be worth its synchronization.
const TOKENS_PER_CORE: usize = 24;

#[cfg(test)]
mod tests;
