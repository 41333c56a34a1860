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
        level.run(Product { linear: self, input, epilogue });
    }
}

struct Product<'a, E> {
    linear: &'a Linear,
    input: RowsRef<'a>,
    epilogue: E,
}

impl<E: Epilogue> Kernel for Product<'_, E> {
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
                match end - start {
                    1 => self.tile::<A, 1, VECTORS>(arch, panel, start),
                    2 => self.tile::<A, 2, VECTORS>(arch, panel, start),
                    3 => self.tile::<A, 3, VECTORS>(arch, panel, start),
                    4 => self.tile::<A, 4, VECTORS>(arch, panel, start),
                    5 => self.tile::<A, 5, VECTORS>(arch, panel, start),
                    _ => self.tile::<A, 6, VECTORS>(arch, panel, start),
                }
            }
        }
    }
}

impl<E: Epilogue> Product<'_, E> {
    /// Computes `ROWS` rows of input, from `start` on, by the columns of `panel`.
    #[inline(always)]
    fn tile<A: Arch, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        arch: A,
        panel: usize,
        start: usize,
    ) {
        let (linear, input) = (self.linear, self.input);
        let (ops, inputs) = (arch.isa().f32(), linear.inputs);
        let lanes = ops.len();
        let width = lanes * VECTORS;
        let first_column = panel * width;
        match &linear.weights {
            PackedWeights::F32(packed) => {
                let packed = &packed[first_column * inputs..][..width * inputs];
                let values = &input.values[start * inputs..][..ROWS * inputs];
                let rows = std::array::from_fn(|row| values[row * inputs..].as_ptr());
                // SAFETY: `packed` holds `inputs` steps of `width` columns, and `values` `ROWS` rows of `inputs`.
                let sums =
                    unsafe { tile_f32::<A, ROWS, VECTORS>(arch, rows, packed.as_ptr(), width, inputs) };
                for vector in 0..VECTORS {
                    let column = first_column + vector * lanes;
                    let bias = ops.load(&linear.bias[column..]);
                    for (row, sums) in sums.iter().enumerate() {
                        self.finish(arch, start + row, column, ops.add(sums[vector], bias));
                    }
                }
            }
            PackedWeights::Int8 { quantized: packed, scales, column_sums } => {
                let quads = inputs.div_ceil(4);
                let packed = &packed[first_column * quads * 4..][..width * quads * 4];
                let bytes = &input.quantized[start * quads * 4..][..ROWS * quads * 4];
                let rows = std::array::from_fn(|row| bytes[row * quads * 4..].as_ptr());
                // SAFETY: `packed` holds `quads` steps of `4 · width` bytes, and `bytes` `ROWS` rows of `4 · quads`.
                let sums = unsafe { tile_int8::<A, ROWS, VECTORS>(arch, rows, packed.as_ptr(), quads) };
                for vector in 0..VECTORS {
                    let column = first_column + vector * lanes;
                    let (scale, column_sum) = (ops.load(&scales[column..]), ops.load(&column_sums[column..]));
                    let bias = ops.load(&linear.bias[column..]);
                    for (row, sums) in sums.iter().enumerate() {
                        // With x = step · q + offset, Σ x w = step · Σ q w + offset · Σ w.
                        let (step, offset) = (input.scales[start + row], input.offsets[start + row]);
                        let value = ops.mul(to_f32(arch, sums[vector]), scale);
                        let value = ops.mul_add(value, ops.splat(step), bias);
                        let value = ops.mul_add(column_sum, ops.splat(offset), value);
                        self.finish(arch, start + row, column, value);
                    }
                }
            }
        }
    }

    /// Passes `value` to the epilogue, without the lanes beyond the last column.
    #[inline(always)]
    fn finish<A: Arch>(&mut self, arch: A, row: usize, column: usize, value: F32<A>) {
        let lanes = self.linear.outputs.saturating_sub(column).min(arch.isa().f32().len());
        if lanes > 0 {
            self.epilogue.apply(arch, OutputTile { row, column, lanes }, value);
        }
    }
}
