#![expect(unsafe_code, reason = "tiles are given pointers whose bounds were checked for all of them at once")]

use rten_simd::ops::{BitOps, NumOps};
use rten_simd::{Isa, SimdUnaryOp};
use rten_vecmath::Exp;

use super::arch::{Arch, Level, Work};
use super::linear::store;
use super::lines::Lines;
use super::rows::fold_lanes;
use super::tile::tile_f32;

/// `softmax(Q Kᵀ) V` of one sequence, head by head. Queries are scaled already.
pub(super) struct Attention<'a> {
    /// `[queries][heads · size]`: those whose result is wanted.
    pub(super) queries: &'a [f32],
    /// `[tokens][2 · heads · size]`: keys, then values.
    pub(super) memory: &'a [f32],
    pub(super) heads: usize,
    /// Of one head.
    pub(super) size: usize,
    /// `[queries][heads · size]`.
    pub(super) out: &'a mut [f32],
    pub(super) scratch: &'a mut AttentionScratch,
}

/// What one head of one sequence needs.
pub(super) struct AttentionScratch {
    /// `[size][tokens]`, rows padded to whole vectors.
    keys: Lines<f32>,
    /// `[tokens][size]`, rows padded to whole vectors.
    values: Lines<f32>,
    /// `[queries of a tile][tokens]`, padded likewise.
    scores: Lines<f32>,
}

impl AttentionScratch {
    pub(super) fn new() -> Self {
        Self { keys: Lines::zeros(0), values: Lines::zeros(0), scores: Lines::zeros(0) }
    }
}

impl Attention<'_> {
    pub(super) fn apply(self, level: Level) {
        level.run(self);
    }

    fn width(&self) -> usize {
        self.heads * self.size
    }

    fn tokens(&self) -> usize {
        self.memory.len() / (2 * self.width())
    }
}

impl Work for Attention<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch, const ROWS: usize, const VECTORS: usize>(mut self, arch: A) {
        let lanes = arch.isa().f32().len();
        let shape = Shape {
            tokens: self.tokens(),
            key_stride: stride(self.tokens(), lanes),
            value_stride: self.size.next_multiple_of(lanes),
        };
        self.scratch.keys.reserve(self.size * shape.key_stride);
        self.scratch.values.reserve(shape.tokens * shape.value_stride);
        self.scratch.scores.reserve(6 * shape.key_stride);
        let queries = self.queries.len() / self.width();
        let tiles = queries.div_ceil(ROWS);
        for head in 0..self.heads {
            self.gather(arch, head, shape);
            for tile in 0..tiles {
                let (start, end) = (queries * tile / tiles, queries * (tile + 1) / tiles);
                let tile = Tile { head, start, shape };
                match end - start {
                    1 => self.tile::<A, 1, VECTORS>(arch, tile),
                    2 => self.tile::<A, 2, VECTORS>(arch, tile),
                    3 => self.tile::<A, 3, VECTORS>(arch, tile),
                    4 => self.tile::<A, 4, VECTORS>(arch, tile),
                    5 => self.tile::<A, 5, VECTORS>(arch, tile),
                    _ => self.tile::<A, 6, VECTORS>(arch, tile),
                }
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Shape {
    tokens: usize,
    key_stride: usize,
    value_stride: usize,
}

/// Some queries, from `start` on, as one head sees them.
#[derive(Clone, Copy)]
struct Tile {
    head: usize,
    start: usize,
    shape: Shape,
}

/// Whole vectors, and never a power of two apart, which would put all rows into the same few places of the cache.
fn stride(tokens: usize, lanes: usize) -> usize {
    let whole = tokens.next_multiple_of(lanes);
    if whole.is_multiple_of(128) { whole + lanes } else { whole }
}

impl Attention<'_> {
    /// Copies the head's keys, transposed, and values to where they lie together.
    #[inline(always)]
    fn gather<A: Arch>(&mut self, arch: A, head: usize, shape: Shape) {
        let ops = arch.isa().f32();
        let (width, size) = (self.width(), self.size);
        let key = |token: usize| &self.memory[token * 2 * width + head * size..][..size];
        let keys = &mut self.scratch.keys;
        let fours = shape.tokens / 4 * 4;
        for token in (0..fours).step_by(4) {
            let rows: [&[f32]; 4] = [key(token), key(token + 1), key(token + 2), key(token + 3)];
            for place in 0..size {
                let four = [rows[0][place], rows[1][place], rows[2][place], rows[3][place]];
                keys[place * shape.key_stride + token..][..4].copy_from_slice(&four);
            }
        }
        for token in fours..shape.tokens {
            for (place, number) in key(token).iter().enumerate() {
                keys[place * shape.key_stride + token] = *number;
            }
        }
        for token in 0..shape.tokens {
            let value = &self.memory[(token * 2 + 1) * width + head * size..][..size];
            let out = &mut self.scratch.values[token * shape.value_stride..][..shape.value_stride];
            for (value, out) in value.chunks(ops.len()).zip(out.chunks_exact_mut(ops.len())) {
                ops.store(ops.load_pad(value).0, out);
            }
        }
    }

    #[inline(always)]
    fn tile<A: Arch, const ROWS: usize, const VECTORS: usize>(&mut self, arch: A, tile: Tile) {
        let Tile { head, start, shape } = tile;
        let lanes = arch.isa().f32().len();
        let (width, size) = (self.width(), self.size);
        let queries = &self.queries[start * width..][..ROWS * width];
        let queries = std::array::from_fn(|row| queries[row * width + head * size..][..size].as_ptr());
        let vectors = shape.tokens.div_ceil(lanes);
        let mut vector = 0;
        while vector < vectors {
            let column = vector * lanes;
            if vectors - vector >= VECTORS {
                self.scores::<A, ROWS, VECTORS>(arch, queries, column, shape);
                vector += VECTORS;
            } else if vectors - vector >= 2 {
                self.scores::<A, ROWS, 2>(arch, queries, column, shape);
                vector += 2;
            } else {
                self.scores::<A, ROWS, 1>(arch, queries, column, shape);
                vector += 1;
            }
        }
        let mut shares = [0.0; ROWS];
        for (row, share) in shares.iter_mut().enumerate() {
            let scores = &mut self.scratch.scores[row * shape.key_stride..][..shape.tokens];
            *share = 1.0 / exponentials(arch, scores);
        }
        let vectors = size.div_ceil(lanes);
        let mut vector = 0;
        while vector < vectors {
            let column = vector * lanes;
            if vectors - vector >= 2 {
                self.sums::<A, ROWS, 2>(arch, tile, column, shares);
                vector += 2;
            } else {
                self.sums::<A, ROWS, 1>(arch, tile, column, shares);
                vector += 1;
            }
        }
    }

    #[inline(always)]
    fn scores<A: Arch, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        arch: A,
        queries: [*const f32; ROWS],
        column: usize,
        shape: Shape,
    ) {
        let ops = arch.isa().f32();
        let needed = (self.size - 1) * shape.key_stride + VECTORS * ops.len();
        let keys = self.scratch.keys[column..][..needed].as_ptr();
        // SAFETY: `keys` has the `needed` numbers that a tile of `size` steps reads, and each query has `size`.
        let scores =
            unsafe { tile_f32::<A, ROWS, VECTORS>(arch, queries, keys, shape.key_stride, self.size) };
        for (row, scores) in scores.iter().enumerate() {
            let out = &mut self.scratch.scores[row * shape.key_stride + column..][..VECTORS * ops.len()];
            for (out, score) in out.chunks_exact_mut(ops.len()).zip(scores) {
                ops.store(*score, out);
            }
        }
    }

    #[inline(always)]
    fn sums<A: Arch, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        arch: A,
        tile: Tile,
        column: usize,
        shares: [f32; ROWS],
    ) {
        let Tile { head, start, shape } = tile;
        let ops = arch.isa().f32();
        let lanes = ops.len();
        let scores = &self.scratch.scores;
        let rows = std::array::from_fn(|row| scores[row * shape.key_stride..][..shape.tokens].as_ptr());
        let needed = (shape.tokens - 1) * shape.value_stride + VECTORS * lanes;
        let values = self.scratch.values[column..][..needed].as_ptr();
        // SAFETY: `values` has the `needed` numbers that a tile of `tokens` steps reads, and each row has `tokens`.
        let sums =
            unsafe { tile_f32::<A, ROWS, VECTORS>(arch, rows, values, shape.value_stride, shape.tokens) };
        let width = self.width();
        for (row, sums) in sums.iter().enumerate() {
            for (vector, sum) in sums.iter().enumerate() {
                let column = column + vector * lanes;
                let place = (start + row) * width + head * self.size + column;
                let out = &mut self.out[place..][..lanes.min(self.size - column)];
                store(arch, out, ops.mul(*sum, ops.splat(shares[row])));
            }
        }
    }
}

/// Turns the scores of a row into `exp(score - greatest)` and gives their sum.
#[inline(always)]
fn exponentials<A: Arch>(arch: A, scores: &mut [f32]) -> f32 {
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
