use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::aligned_buf::AlignedBuf;
use super::attention::AttentionScratch;
use super::encoder::EncoderConfig;
use super::rows::Rows;

/// How many rows pass through a layer together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockSizes {
    /// The tokens of a batch of usual size. Buffers are reserved for a multiple of them: growing by and by would leave
    /// gaps in the heap, and the end of a buffer that is not written to costs nothing.
    pub(crate) tokens: usize,
    /// The most rows of the feed-forward network: few enough for its intermediate states to stay in a core's cache,
    /// enough to amortize loading the weights.
    pub(crate) ffn: usize,
    /// The most rows of a block where all sequences are short.
    pub(crate) short: usize,
    /// The most rows of a block where a sequence is longer: each block of it copies the keys and values of the whole
    /// sequence.
    pub(crate) long: usize,
}

/// The buffers of a forward pass, reused from batch to batch.
pub(super) struct Scratch {
    /// The hidden states, `[tokens, hidden]`.
    pub(super) states: Rows,
    /// `[tokens, 2 · hidden]`: the keys of a token, then its values.
    pub(super) key_value: AlignedBuf<f32>,
    pub(super) blocks: BlockScratches,
    sizes: BlockSizes,
}

impl Scratch {
    pub(super) fn new(config: &EncoderConfig, sizes: BlockSizes) -> Self {
        let blocks = BlockScratches { idle: Mutex::default(), config: *config, ffn_rows: sizes.ffn };
        let states = Rows::new(config.hidden, config.arithmetic);
        Self { states, key_value: AlignedBuf::zeros(0), blocks, sizes }
    }

    /// Grows the buffers for a batch of `tokens`.
    pub(super) fn reserve(&mut self, config: &EncoderConfig, tokens: usize) {
        let tokens = tokens.next_multiple_of(self.sizes.tokens);
        self.states.reserve(tokens);
        self.key_value.reserve(tokens * 2 * config.hidden);
    }

    /// The most rows of a block in a batch of `sequences`.
    pub(super) fn block_rows(&self, sequences: &[Range<usize>]) -> usize {
        let longest = sequences.iter().map(ExactSizeIterator::len).max().unwrap_or(0);
        if longest <= self.sizes.short { self.sizes.short } else { self.sizes.long }
    }

    /// The bytes of all buffers.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let blocks = self.blocks.idle().iter().map(BlockScratch::bytes).sum::<usize>();
        self.states.bytes() + self.key_value.bytes() + blocks
    }
}

/// The buffers of the blocks that are computed at the same time: one for each core that computes.
pub(super) struct BlockScratches {
    idle: Mutex<Vec<BlockScratch>>,
    config: EncoderConfig,
    ffn_rows: usize,
}

impl BlockScratches {
    /// Removes the buffers that were given back last, or makes new ones.
    pub(super) fn take(&self) -> BlockScratch {
        self.idle().pop().unwrap_or_else(|| BlockScratch::new(self.config, self.ffn_rows))
    }

    pub(super) fn give_back(&self, block: BlockScratch) {
        self.idle().push(block);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<BlockScratch>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The buffers for a block of rows.
pub(super) struct BlockScratch {
    /// `[rows, hidden]`.
    pub(super) queries: AlignedBuf<f32>,
    /// The results of the attention, `[rows, hidden]`.
    pub(super) attended: Rows,
    /// `[ffn_rows, intermediate]`.
    pub(super) intermediate: Rows,
    pub(super) attention: AttentionScratch,
    pub(super) config: EncoderConfig,
    /// The most rows that pass through the feed-forward network together.
    pub(super) ffn_rows: usize,
}

impl BlockScratch {
    fn new(config: EncoderConfig, ffn_rows: usize) -> Self {
        Self {
            queries: AlignedBuf::zeros(0),
            attended: Rows::new(config.hidden, config.arithmetic),
            intermediate: Rows::new(config.intermediate, config.arithmetic),
            attention: AttentionScratch::new(),
            config,
            ffn_rows,
        }
    }

    /// Grows the buffers for a block of `rows`.
    pub(super) fn reserve(&mut self, rows: usize) {
        let rows = rows.next_multiple_of(self.ffn_rows);
        self.queries.reserve(rows * self.config.hidden);
        self.attended.reserve(rows);
        self.intermediate.reserve(rows.min(self.ffn_rows));
    }

    #[cfg(test)]
    fn bytes(&self) -> usize {
        let Self { queries, attended, intermediate, attention, .. } = self;
        queries.bytes() + attended.bytes() + intermediate.bytes() + attention.bytes()
    }
}
