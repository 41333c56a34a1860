#![expect(
    unsafe_code,
    reason = "a tile reads through pointers whose bounds are checked once for all its reads"
)]

use rten_simd::ops::{BitOps, NumOps};
use rten_simd::{Isa, SimdUnaryOp};
use rten_vecmath::Exp;

use super::aligned_buf::AlignedBuf;
use super::arch::{Arch, Kernel, SimdLevel};
use super::tile::tile_f32;
use super::vector::{fold_lanes, store};

/// Multi-head attention of one sequence, `softmax(Q Kᵀ) V` for each head. The queries are scaled by `1 / √head_dim`.
pub(super) struct Attention<'a> {
    /// `[queries, heads · head_dim]`.
    pub(super) queries: &'a [f32],
    /// `[tokens, 2 · heads · head_dim]`: the keys of a token, then its values.
    pub(super) key_value: &'a [f32],
    pub(super) heads: usize,
    pub(super) head_dim: usize,
    /// `[queries, heads · head_dim]`.
    pub(super) out: &'a mut [f32],
    pub(super) scratch: &'a mut AttentionScratch,
}

/// Buffers for one head of one sequence.
pub(super) struct AttentionScratch {
    /// `[head_dim, key_stride]`: the keys, transposed.
    keys: AlignedBuf<f32>,
    /// `[tokens, value_stride]`.
    values: AlignedBuf<f32>,
    /// `[rows of a tile, key_stride]`.
    scores: AlignedBuf<f32>,
}

impl AttentionScratch {
    pub(super) fn new() -> Self {
        Self { keys: AlignedBuf::zeros(0), values: AlignedBuf::zeros(0), scores: AlignedBuf::zeros(0) }
    }

    /// The bytes of all buffers.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.keys.bytes() + self.values.bytes() + self.scores.bytes()
    }
}

impl Attention<'_> {
    pub(super) fn apply(self, level: SimdLevel) {
        level.run(self);
    }

    fn width(&self) -> usize {
        self.heads * self.head_dim
    }

    fn tokens(&self) -> usize {
        self.key_value.len() / (2 * self.width())
    }
}

impl Kernel for Attention<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch, const ROWS: usize, const VECTORS: usize>(mut self, arch: A) {
        let lanes = arch.isa().f32().len();
        let layout = Layout {
            tokens: self.tokens(),
            key_stride: key_stride(self.tokens(), lanes),
            value_stride: self.head_dim.next_multiple_of(lanes),
        };
        self.scratch.keys.reserve(self.head_dim * layout.key_stride);
        self.scratch.values.reserve(layout.tokens * layout.value_stride);
        self.scratch.scores.reserve(6 * layout.key_stride);
        let queries = self.queries.len() / self.width();
        let blocks = queries.div_ceil(ROWS);
        for head in 0..self.heads {
            self.pack_key_value(arch, head, layout);
            for block in 0..blocks {
                let (start, end) = (queries * block / blocks, queries * (block + 1) / blocks);
                let block = QueryBlock { head, start, layout };
                match end - start {
                    1 => self.attend::<A, 1, VECTORS>(arch, block),
                    2 => self.attend::<A, 2, VECTORS>(arch, block),
                    3 => self.attend::<A, 3, VECTORS>(arch, block),
                    4 => self.attend::<A, 4, VECTORS>(arch, block),
                    5 => self.attend::<A, 5, VECTORS>(arch, block),
                    _ => self.attend::<A, 6, VECTORS>(arch, block),
                }
            }
        }
    }
}

/// The layout of the scratch buffers; strides are whole vectors.
#[derive(Clone, Copy)]
struct Layout {
    tokens: usize,
    key_stride: usize,
    value_stride: usize,
}

/// The queries of a head that form the rows of a tile, from row `start` on.
#[derive(Clone, Copy)]
struct QueryBlock {
    head: usize,
    start: usize,
    layout: Layout,
}

/// Whole vectors, but no multiple of 128 numbers: a large power-of-two stride maps all rows to the same cache sets.
fn key_stride(tokens: usize, lanes: usize) -> usize {
    let whole = tokens.next_multiple_of(lanes);
    if whole.is_multiple_of(128) { whole + lanes } else { whole }
}

impl Attention<'_> {
    /// Copies the head's keys, transposed, and its values into the scratch buffers.
    #[inline(always)]
    fn pack_key_value<A: Arch>(&mut self, arch: A, head: usize, layout: Layout) {
        let ops = arch.isa().f32();
        let (width, head_dim) = (self.width(), self.head_dim);
        let key = |token: usize| &self.key_value[token * 2 * width + head * head_dim..][..head_dim];
        let keys = &mut self.scratch.keys;
        let fours = layout.tokens / 4 * 4;
        for token in (0..fours).step_by(4) {
            let rows: [&[f32]; 4] = [key(token), key(token + 1), key(token + 2), key(token + 3)];
            for dim in 0..head_dim {
                let four = [rows[0][dim], rows[1][dim], rows[2][dim], rows[3][dim]];
                keys[dim * layout.key_stride + token..][..4].copy_from_slice(&four);
            }
        }
        for token in fours..layout.tokens {
            for (dim, number) in key(token).iter().enumerate() {
                keys[dim * layout.key_stride + token] = *number;
            }
        }
        for token in 0..layout.tokens {
            let value = &self.key_value[(token * 2 + 1) * width + head * head_dim..][..head_dim];
            let out = &mut self.scratch.values[token * layout.value_stride..][..layout.value_stride];
            for (value, out) in value.chunks(ops.len()).zip(out.chunks_exact_mut(ops.len())) {
                ops.store(ops.load_pad(value).0, out);
            }
        }
    }

    /// Computes the attention of a block of `ROWS` queries.
    #[inline(always)]
    fn attend<A: Arch, const ROWS: usize, const VECTORS: usize>(&mut self, arch: A, block: QueryBlock) {
        let QueryBlock { head, start, layout } = block;
        let lanes = arch.isa().f32().len();
        let (width, head_dim) = (self.width(), self.head_dim);
        let queries = &self.queries[start * width..][..ROWS * width];
        let queries =
            std::array::from_fn(|row| queries[row * width + head * head_dim..][..head_dim].as_ptr());
        let vectors = layout.tokens.div_ceil(lanes);
        let mut vector = 0;
        while vector < vectors {
            let column = vector * lanes;
            if vectors - vector >= VECTORS {
                self.scores::<A, ROWS, VECTORS>(arch, queries, column, layout);
                vector += VECTORS;
            } else if vectors - vector >= 2 {
                self.scores::<A, ROWS, 2>(arch, queries, column, layout);
                vector += 2;
            } else {
                self.scores::<A, ROWS, 1>(arch, queries, column, layout);
                vector += 1;
            }
        }
        let mut normalizers = [0.0; ROWS];
        for (row, normalizer) in normalizers.iter_mut().enumerate() {
            let scores = &mut self.scratch.scores[row * layout.key_stride..][..layout.tokens];
            *normalizer = 1.0 / exponentials(arch, scores);
        }
        let vectors = head_dim.div_ceil(lanes);
        let mut vector = 0;
        while vector < vectors {
            let column = vector * lanes;
            if vectors - vector >= 2 {
                self.weighted_values::<A, ROWS, 2>(arch, block, column, normalizers);
                vector += 2;
            } else {
                self.weighted_values::<A, ROWS, 1>(arch, block, column, normalizers);
                vector += 1;
            }
        }
    }

    /// Writes the scores of the `queries` with the tokens from `column` on, `VECTORS` vectors of them.
    #[inline(always)]
    fn scores<A: Arch, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        arch: A,
        queries: [*const f32; ROWS],
        column: usize,
        layout: Layout,
    ) {
        let ops = arch.isa().f32();
        let needed = (self.head_dim - 1) * layout.key_stride + VECTORS * ops.len();
        let keys = self.scratch.keys[column..][..needed].as_ptr();
        // SAFETY: `keys` has the `needed` numbers that a tile of `head_dim` steps reads, and each query has `head_dim`.
        let scores =
            unsafe { tile_f32::<A, ROWS, VECTORS>(arch, queries, keys, layout.key_stride, self.head_dim) };
        for (row, scores) in scores.iter().enumerate() {
            let out = &mut self.scratch.scores[row * layout.key_stride + column..][..VECTORS * ops.len()];
            for (out, score) in out.chunks_exact_mut(ops.len()).zip(scores) {
                ops.store(*score, out);
            }
        }
    }

    /// Writes the sums of the values weighted by the scores, normalized, for the dimensions from `column` on.
    #[inline(always)]
    fn weighted_values<A: Arch, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        arch: A,
        block: QueryBlock,
        column: usize,
        normalizers: [f32; ROWS],
    ) {
        let QueryBlock { head, start, layout } = block;
        let ops = arch.isa().f32();
        let lanes = ops.len();
        let scores = &self.scratch.scores;
        let rows = std::array::from_fn(|row| scores[row * layout.key_stride..][..layout.tokens].as_ptr());
        let needed = (layout.tokens - 1) * layout.value_stride + VECTORS * lanes;
        let values = self.scratch.values[column..][..needed].as_ptr();
        // SAFETY: `values` has the `needed` numbers that a tile of `tokens` steps reads, and each row has `tokens`.
        let sums =
            unsafe { tile_f32::<A, ROWS, VECTORS>(arch, rows, values, layout.value_stride, layout.tokens) };
        let width = self.width();
        for (row, sums) in sums.iter().enumerate() {
            for (vector, sum) in sums.iter().enumerate() {
                let column = column + vector * lanes;
                let index = (start + row) * width + head * self.head_dim + column;
                let out = &mut self.out[index..][..lanes.min(self.head_dim - column)];
                store(arch, out, ops.mul(*sum, ops.splat(normalizers[row])));
            }
        }
    }
}

/// Replaces the `scores` of a row, `[tokens]`, by `exp(score - max)` and returns their sum.
#[inline(always)]
pub(super) fn exponentials<A: Arch>(arch: A, scores: &mut [f32]) -> f32 {
    let isa = arch.isa();
    let ops = isa.f32();
    let lanes = ops.len();
    let mut greatest = ops.splat(f32::NEG_INFINITY);
    for part in scores.chunks(lanes) {
        let (vector, used) = ops.load_pad(part);
        greatest = ops.max(greatest, ops.select(vector, ops.splat(f32::NEG_INFINITY), used));
    }
    let greatest = fold_lanes::<A>(
        greatest,
        #[inline(always)]
        |left, right| if right > left { right } else { left },
    );
    let greatest = ops.splat(greatest);
    let mut sum = ops.zero();
    for part in scores.chunks_mut(lanes) {
        let (vector, used) = ops.load_pad(part);
        let value = Exp {}.eval(isa, ops.sub(vector, greatest));
        let value = ops.select(value, ops.zero(), used);
        sum = ops.add(sum, value);
        store(arch, part, value);
    }
    ops.sum(sum)
}
