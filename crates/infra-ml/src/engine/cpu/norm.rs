use rten_simd::Isa;
use rten_simd::ops::{BitOps, NumOps};

use super::arch::{Arch, Kernel, SimdLevel};
use super::rows::{RowsMut, quantize_row};
use super::vector::store;

/// Layer normalization of a row: `y = (x - mean) / √(variance + epsilon) · weight + bias`.
pub(super) struct LayerNorm {
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
    pub(super) epsilon: f32,
}

impl LayerNorm {
    /// Normalizes `rows` in place and quantizes each row while it is in the cache.
    pub(super) fn apply(&self, level: SimdLevel, rows: RowsMut<'_>) {
        level.run(Normalize { norm: self, rows });
    }
}

struct Normalize<'a> {
    norm: &'a LayerNorm,
    rows: RowsMut<'a>,
}

impl Kernel for Normalize<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch, const ROWS: usize, const VECTORS: usize>(mut self, arch: A) {
        let width = self.rows.width;
        for row in 0..self.rows.len() {
            normalize(arch, self.norm, &mut self.rows.values[row * width..][..width]);
            quantize_row(arch, &mut self.rows, row);
        }
    }
}

#[inline(always)]
fn normalize<A: Arch>(arch: A, norm: &LayerNorm, row: &mut [f32]) {
    let ops = arch.isa().f32();
    let lanes = ops.len();
    let width = row.len() as f32;
    let mut sum = ops.zero();
    for part in row.chunks(lanes) {
        sum = ops.add(sum, ops.load_pad(part).0);
    }
    let mean = ops.sum(sum) / width;
    let mut squares = ops.zero();
    for part in row.chunks(lanes) {
        let (vector, used) = ops.load_pad(part);
        let centered = ops.select(ops.sub(vector, ops.splat(mean)), ops.zero(), used);
        squares = ops.mul_add(centered, centered, squares);
    }
    let scale = 1.0 / (ops.sum(squares) / width + norm.epsilon).sqrt();
    let (scale, shift) = (ops.splat(scale), ops.splat(-mean * scale));
    let parts = norm.weight.chunks(lanes).zip(norm.bias.chunks(lanes));
    for (part, (weight, bias)) in row.chunks_mut(lanes).zip(parts) {
        let normalized = ops.mul_add(ops.load_pad(part).0, scale, shift);
        let value = ops.mul_add(normalized, ops.load_pad(weight).0, ops.load_pad(bias).0);
        store(arch, part, value);
    }
}
