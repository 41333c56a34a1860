use rten_simd::Isa;
use rten_simd::ops::{BitOps, NumOps};

use super::arch::{Arch, Kernel, SimdLevel};
use super::folding::Folding;
use super::rows::{RowsMut, quantize_row};
use super::vector::store;

/// Layer normalization of a row: `y = (x - mean) / √(variance + epsilon) · weight + bias`.
pub(super) struct LayerNorm {
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
    pub(super) epsilon: f32,
    /// Present where the next linear layers contain weight and bias; rows are then quantized before both.
    pub(super) folding: Option<Folding>,
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
        let (norm, width) = (self.norm, self.rows.width);
        for row in 0..self.rows.len() {
            let values = &mut self.rows.values[row * width..][..width];
            let moments = moments(arch, values, norm.epsilon);
            if let Some(folding) = &norm.folding {
                scale(arch, values, moments, &folding.factors);
                quantize_row(arch, &mut self.rows, row);
                let values = &mut self.rows.values[row * width..][..width];
                scale_and_shift(arch, values, [1.0, 0.0], [&folding.weight, &norm.bias]);
            } else {
                scale_and_shift(arch, values, moments, [&norm.weight, &norm.bias]);
                quantize_row(arch, &mut self.rows, row);
            }
        }
    }
}

/// Returns the factor and the shift that give `row` a mean of 0 and a variance of 1.
#[inline(always)]
fn moments<A: Arch>(arch: A, row: &[f32], epsilon: f32) -> [f32; 2] {
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
    let scale = 1.0 / (ops.sum(squares) / width + epsilon).sqrt();
    [scale, -mean * scale]
}

/// Replaces each `x` of `row` by `(x · scale + shift) · factor`.
#[inline(always)]
fn scale<A: Arch>(arch: A, row: &mut [f32], [scale, shift]: [f32; 2], factors: &[f32]) {
    let ops = arch.isa().f32();
    let (lanes, scale, shift) = (ops.len(), ops.splat(scale), ops.splat(shift));
    for (part, factors) in row.chunks_mut(lanes).zip(factors.chunks(lanes)) {
        let scaled = ops.mul_add(ops.load_pad(part).0, scale, shift);
        store(arch, part, ops.mul(scaled, ops.load_pad(factors).0));
    }
}

/// Replaces each `x` of `row` by `(x · scale + shift) · weight + bias`.
#[inline(always)]
fn scale_and_shift<A: Arch>(arch: A, row: &mut [f32], [scale, shift]: [f32; 2], [weight, bias]: [&[f32]; 2]) {
    let ops = arch.isa().f32();
    let (lanes, scale, shift) = (ops.len(), ops.splat(scale), ops.splat(shift));
    let parts = weight.chunks(lanes).zip(bias.chunks(lanes));
    for (part, (weight, bias)) in row.chunks_mut(lanes).zip(parts) {
        let scaled = ops.mul_add(ops.load_pad(part).0, scale, shift);
        let value = ops.mul_add(scaled, ops.load_pad(weight).0, ops.load_pad(bias).0);
        store(arch, part, value);
    }
}
