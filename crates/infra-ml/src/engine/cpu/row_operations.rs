//! Operations on the rows of plain slices, for callers with tensors of their own. Each computes on the threads of the
//! current rayon pool.

use rayon::prelude::*;
use rten_simd::Isa;
use rten_simd::ops::{BitOps, NumOps};

use super::activation::activation;
use super::arch::{Arch, Kernel, SimdLevel};
use super::attention::exponentials;
use super::norm::LayerNorm;
use super::rows::RowsMut;
use super::vector::store;
use crate::architecture::Activation;

/// Layer normalization of rows.
pub(crate) struct RowNorm {
    level: SimdLevel,
    norm: LayerNorm,
}

impl RowNorm {
    /// `weight` and `bias` are `[width]`.
    pub(crate) fn new(weight: Vec<f32>, bias: Vec<f32>, epsilon: f64) -> Self {
        Self {
            level: SimdLevel::detect(),
            norm: LayerNorm { weight, bias, epsilon: epsilon as f32, folding: None },
        }
    }

    /// Returns the normalized `rows`, `[rows, width]`.
    pub(crate) fn apply(&self, rows: &[f32]) -> Vec<f32> {
        let width = self.norm.weight.len();
        let mut out = vec![0.0; rows.len()];
        for_each_block(&mut out, rows, [width, width], |_, out, rows| {
            out.copy_from_slice(rows);
            self.norm.apply(self.level, RowsMut::of_f32(width, out));
        });
        out
    }
}

/// Returns the gated `rows`, `[rows, 2 · width]`: `activation` of a row's first half times its second half,
/// `[rows, width]`.
pub(crate) fn gate(function: Activation, rows: &[f32], width: usize) -> Vec<f32> {
    let level = SimdLevel::detect();
    let mut out = vec![0.0; rows.len() / 2];
    for_each_block(&mut out, rows, [width, 2 * width], |_, out, rows| {
        level.run(Gate { function, rows, width, out });
    });
    out
}

/// Returns the softmax of each row of `scores`, `[rows, width]`, after `add` has added to it what it computes for the
/// row's index.
pub(crate) fn softmax(scores: &[f32], width: usize, add: impl Fn(usize, &mut [f32]) + Sync) -> Vec<f32> {
    let level = SimdLevel::detect();
    let mut out = vec![0.0; scores.len()];
    for_each_block(&mut out, scores, [width, width], |first, out, scores| {
        out.copy_from_slice(scores);
        level.run(Softmax { first, rows: out, width, add: &add });
    });
    out
}

/// The numbers from which rows are worth another thread.
const MIN_BLOCK_NUMBERS: usize = 32 * 1024;

/// Calls `work` with the index of the first row, the results and the inputs of each block of rows, of the `widths` of
/// `out` and `input`.
fn for_each_block(
    out: &mut [f32],
    input: &[f32],
    [out_width, input_width]: [usize; 2],
    work: impl Fn(usize, &mut [f32], &[f32]) + Sync,
) {
    let rows = out.len() / out_width.max(1);
    let parts = rayon::current_num_threads().min(input.len() / MIN_BLOCK_NUMBERS).max(1);
    let block = rows.div_ceil(parts).max(1);
    let parts = out.par_chunks_mut(block * out_width).zip(input.par_chunks(block * input_width));
    parts.enumerate().for_each(|(number, (out, input))| work(number * block, out, input));
}

struct Gate<'a> {
    function: Activation,
    rows: &'a [f32],
    width: usize,
    out: &'a mut [f32],
}

impl Kernel for Gate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch, const ROWS: usize, const VECTORS: usize>(self, arch: A) {
        let ops = arch.isa().f32();
        let lanes = ops.len();
        for (row, out) in self.rows.chunks_exact(2 * self.width).zip(self.out.chunks_exact_mut(self.width)) {
            let (states, gates) = row.split_at(self.width);
            let parts = states.chunks(lanes).zip(gates.chunks(lanes));
            for ((states, gates), out) in parts.zip(out.chunks_mut(lanes)) {
                let activated = activation(arch, self.function, ops.load_pad(states).0);
                store(arch, out, ops.mul(activated, ops.load_pad(gates).0));
            }
        }
    }
}

struct Softmax<'a, F> {
    /// The index of the first of `rows`.
    first: usize,
    rows: &'a mut [f32],
    width: usize,
    add: &'a F,
}

impl<F: Fn(usize, &mut [f32])> Kernel for Softmax<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch, const ROWS: usize, const VECTORS: usize>(self, arch: A) {
        let ops = arch.isa().f32();
        for (number, row) in self.rows.chunks_exact_mut(self.width).enumerate() {
            (self.add)(self.first + number, row);
            let normalizer = ops.splat(1.0 / exponentials(arch, row));
            for part in row.chunks_mut(ops.len()) {
                let value = ops.mul(ops.load_pad(part).0, normalizer);
                store(arch, part, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_softmax_adds_the_terms_of_each_row_first() {
        let scores: Vec<f32> = (0..21).map(|number| number as f32 / 5.0).collect();
        let found = softmax(&scores, 7, |row, scores| scores[row] += 1.0);
        for (row, (scores, found)) in scores.chunks(7).zip(found.chunks(7)).enumerate() {
            let mut scores = scores.to_vec();
            scores[row] += 1.0;
            let sum: f32 = scores.iter().map(|score| score.exp()).sum();
            for (score, found) in scores.iter().zip(found) {
                assert!((score.exp() / sum - found).abs() < 1e-6, "{found} in row {row}");
            }
        }
    }

    #[test]
    fn a_gate_multiplies_the_activated_first_half_by_the_second() {
        let rows: Vec<f32> = (0..40).map(|number| number as f32 / 9.0 - 2.0).collect();
        let found = gate(Activation::Relu, &rows, 10);
        for (row, found) in rows.chunks(20).zip(found.chunks(10)) {
            let expected: Vec<f32> = (0..10).map(|column| row[column].max(0.0) * row[column + 10]).collect();
            assert_eq!(found, expected);
        }
    }
}
