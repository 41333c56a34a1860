#![expect(
    unsafe_code,
    reason = "a tile reads through pointers whose bounds are checked once for all its reads"
)]

use rten_simd::Isa;
use rten_simd::ops::{BitOps, NumOps};

use super::aligned_buf::AlignedBuf;
use super::arch::{Arch, F32, Kernel, SimdLevel};
use super::arithmetic::Arithmetic;
use super::epilogue::{Epilogue, OutputTile};
use super::panels::{LinearWeights, PackedWeights};
use super::rows::RowsRef;
use super::tile::{tile_f32, tile_int8};
use super::vector::to_f32;

/// A fully connected layer, `y = x · Wᵀ + b`. Its weights are packed into panels as wide as a tile.
pub(super) struct Linear {
    inputs: usize,
    outputs: usize,
    /// `[outputs]`, padded with zeros to whole panels.
    bias: AlignedBuf<f32>,
    weights: PackedWeights,
}

impl Linear {
    /// Packs `weights`, `[outputs, inputs]`, and `bias`, `[outputs]`, for `level`, both multiplied by `factor`.
    pub(super) fn new(
        level: SimdLevel,
        arithmetic: Arithmetic,
        weights: &[f32],
        bias: &[f32],
        factor: f32,
    ) -> Self {
        let rows = weights.chunks_exact(weights.len() / bias.len()).collect();
        Self::pack(level, arithmetic, &LinearWeights { rows, bias, factor, folding: None })
    }

    /// Packs `weights` for `level`.
    pub(super) fn pack(level: SimdLevel, arithmetic: Arithmetic, weights: &LinearWeights<'_>) -> Self {
        let columns = weights.rows.len().next_multiple_of(level.panel_width());
        let mut bias = AlignedBuf::zeros(columns);
        for (index, to) in bias.iter_mut().enumerate().take(weights.rows.len()) {
            *to = weights.bias(index);
        }
        let (inputs, outputs) = (weights.inputs(), weights.rows.len());
        Self { inputs, outputs, bias, weights: PackedWeights::new(level, arithmetic, weights) }
    }

    /// The width of a row of results.
    pub(super) fn outputs(&self) -> usize {
        self.outputs
    }

    /// Computes the layer for `input`, `[rows, inputs]`, and passes each vector of results to `epilogue`.
    pub(super) fn apply<E: Epilogue>(&self, level: SimdLevel, input: RowsRef<'_>, epilogue: E) {
        match &self.weights {
            PackedWeights::F32(packed) => {
                level.run(Product { linear: self, weights: F32Weights { packed }, input, epilogue });
            }
            PackedWeights::Int8 { quantized, scales, column_sums } => {
                let weights = Int8Weights { quantized, scales, column_sums };
                level.run(Product { linear: self, weights, input, epilogue });
            }
        }
    }
}

struct Product<'a, W, E> {
    linear: &'a Linear,
    weights: W,
    input: RowsRef<'a>,
    epilogue: E,
}

/// The packed weights of a layer, as their tiles are computed.
trait Weights: Copy {
    /// Whether its tiles compute dot products of int8.
    const USES_DOT: bool;

    /// Computes `ROWS` rows of input, from `start` on, by the columns of `panel`.
    fn tile<A: Arch, E: Epilogue, const ROWS: usize, const VECTORS: usize>(
        product: &mut Product<'_, Self, E>,
        arch: A,
        panel: usize,
        start: usize,
    );
}

#[derive(Clone, Copy)]
struct F32Weights<'a> {
    packed: &'a [f32],
}

#[derive(Clone, Copy)]
struct Int8Weights<'a> {
    quantized: &'a [i8],
    scales: &'a [f32],
    column_sums: &'a [f32],
}

impl<W: Weights, E: Epilogue> Kernel for Product<'_, W, E> {
    const USES_DOT: bool = W::USES_DOT;
    type Output = ();

    #[inline(always)]
    fn run<A: Arch, const ROWS: usize, const VECTORS: usize>(mut self, arch: A) {
        let width = arch.isa().f32().len() * VECTORS;
        let rows = self.input.values.len() / self.input.width;
        let tiles = rows.div_ceil(ROWS);
        for panel in 0..self.linear.outputs.div_ceil(width) {
            for tile in 0..tiles {
                // Tiles of nearly equal height: a last tile of one row would be bound by the latency of its sums.
                let (start, end) = (rows * tile / tiles, rows * (tile + 1) / tiles);
                // The conditions keep heights that a level does not have out of its code.
                match end - start {
                    1 => W::tile::<A, E, 1, VECTORS>(&mut self, arch, panel, start),
                    2 => W::tile::<A, E, 2, VECTORS>(&mut self, arch, panel, start),
                    3 => W::tile::<A, E, 3, VECTORS>(&mut self, arch, panel, start),
                    height => {
                        if ROWS > 4 && height == 4 {
                            W::tile::<A, E, 4, VECTORS>(&mut self, arch, panel, start);
                        } else if ROWS > 5 && height == 5 {
                            W::tile::<A, E, 5, VECTORS>(&mut self, arch, panel, start);
                        } else {
                            W::tile::<A, E, ROWS, VECTORS>(&mut self, arch, panel, start);
                        }
                    }
                }
            }
        }
    }
}

impl Weights for F32Weights<'_> {
    const USES_DOT: bool = false;

    #[inline(always)]
    fn tile<A: Arch, E: Epilogue, const ROWS: usize, const VECTORS: usize>(
        product: &mut Product<'_, Self, E>,
        arch: A,
        panel: usize,
        start: usize,
    ) {
        let (linear, input) = (product.linear, product.input);
        let (ops, inputs) = (arch.isa().f32(), linear.inputs);
        let lanes = ops.len();
        let width = lanes * VECTORS;
        let first_column = panel * width;
        let packed = &product.weights.packed[first_column * inputs..][..width * inputs];
        let values = &input.values[start * inputs..][..ROWS * inputs];
        let rows = std::array::from_fn(|row| values[row * inputs..].as_ptr());
        // SAFETY: `packed` holds `inputs` steps of `width` columns, and `values` `ROWS` rows of `inputs`.
        let sums = unsafe { tile_f32::<A, ROWS, VECTORS>(arch, rows, packed.as_ptr(), width, inputs) };
        for vector in 0..VECTORS {
            let column = first_column + vector * lanes;
            let bias = ops.load(&linear.bias[column..]);
            for (row, sums) in sums.iter().enumerate() {
                product.finish(arch, start + row, column, ops.add(sums[vector], bias));
            }
        }
    }
}

impl Weights for Int8Weights<'_> {
    const USES_DOT: bool = true;

    #[inline(always)]
    fn tile<A: Arch, E: Epilogue, const ROWS: usize, const VECTORS: usize>(
        product: &mut Product<'_, Self, E>,
        arch: A,
        panel: usize,
        start: usize,
    ) {
        let (linear, weights, input) = (product.linear, product.weights, product.input);
        let (ops, quads) = (arch.isa().f32(), linear.inputs.div_ceil(4));
        let lanes = ops.len();
        let width = lanes * VECTORS;
        let first_column = panel * width;
        let packed = &weights.quantized[first_column * quads * 4..][..width * quads * 4];
        let bytes = &input.quantized[start * quads * 4..][..ROWS * quads * 4];
        let rows = std::array::from_fn(|row| bytes[row * quads * 4..].as_ptr());
        // SAFETY: `packed` holds `quads` steps of `4 · width` bytes, and `bytes` `ROWS` rows of `4 · quads`.
        let sums = unsafe { tile_int8::<A, ROWS, VECTORS>(arch, rows, packed.as_ptr(), quads) };
        for vector in 0..VECTORS {
            let column = first_column + vector * lanes;
            let (scale, column_sum) =
                (ops.load(&weights.scales[column..]), ops.load(&weights.column_sums[column..]));
            let bias = ops.load(&linear.bias[column..]);
            for (row, sums) in sums.iter().enumerate() {
                // With x = step · q + offset, Σ x w = step · Σ q w + offset · Σ w.
                let (step, offset) = (input.scales[start + row], input.offsets[start + row]);
                let value = ops.mul(to_f32(arch, sums[vector]), scale);
                let value = ops.mul_add(value, ops.splat(step), bias);
                let value = ops.mul_add(column_sum, ops.splat(offset), value);
                product.finish(arch, start + row, column, value);
            }
        }
    }
}

impl<W, E: Epilogue> Product<'_, W, E> {
    /// Passes `value` to the epilogue, without the lanes beyond the last column.
    #[inline(always)]
    fn finish<A: Arch>(&mut self, arch: A, row: usize, column: usize, value: F32<A>) {
        let lanes = self.linear.outputs.saturating_sub(column).min(arch.isa().f32().len());
        if lanes > 0 {
            self.epilogue.apply(arch, OutputTile { row, column, lanes }, value);
        }
    }
}
