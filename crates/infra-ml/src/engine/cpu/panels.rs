//! Packing the weights of a linear layer into panels as wide as a tile, in `f32` or quantized to int8, on the threads
//! of the current rayon pool.

use rayon::prelude::*;

use super::aligned_buf::AlignedBuf;
use super::arch::{Arch, Kernel, SimdLevel};
use super::arithmetic::Arithmetic;
use super::folding::Folding;

/// A linear layer as the weights file has it.
pub(super) struct LinearWeights<'a> {
    /// The weights of each output, `[inputs]`.
    pub(super) rows: Vec<&'a [f32]>,
    /// `[outputs]`.
    pub(super) bias: &'a [f32],
    /// The factor of the weights and the bias.
    pub(super) factor: f32,
    /// The folding of the layer norm whose rows are the input.
    pub(super) folding: Option<&'a Folding>,
}

/// The packed weights of a linear layer.
pub(super) enum PackedWeights {
    /// `[panels, inputs, columns]`.
    F32(AlignedBuf<f32>),
    /// `quantized` is `[panels, inputs / 4, columns, 4]`; `scales` and `column_sums` (`scale · Σ quantized`) are
    /// `[outputs]`, padded to whole panels.
    Int8 { quantized: AlignedBuf<i8>, scales: AlignedBuf<f32>, column_sums: AlignedBuf<f32> },
}

impl LinearWeights<'_> {
    pub(super) fn inputs(&self) -> usize {
        self.rows.first().map_or(0, |row| row.len())
    }

    /// Raises `largest`, `[inputs]`, to the largest magnitude of the weights of each input.
    pub(super) fn raise_to_largest(&self, largest: &mut [f32]) {
        for row in &self.rows {
            for (largest, weight) in largest.iter_mut().zip(*row) {
                *largest = if weight.abs() > *largest { weight.abs() } else { *largest };
            }
        }
    }

    /// The bias of `output`, with that of the folded norm.
    pub(super) fn bias(&self, output: usize) -> f32 {
        let bias = self.bias[output];
        let folded = |folding: &Folding| (f64::from(bias) + dot(self.rows[output], &folding.bias)) as f32;
        self.folding.map_or(bias, folded) * self.factor
    }
}

impl PackedWeights {
    pub(super) fn new(level: SimdLevel, arithmetic: Arithmetic, weights: &LinearWeights<'_>) -> Self {
        match arithmetic {
            Arithmetic::F32 => pack_f32(level, weights),
            Arithmetic::Int8 => pack_int8(level, weights),
        }
    }
}

fn pack_f32(level: SimdLevel, weights: &LinearWeights<'_>) -> PackedWeights {
    let (width, inputs) = (level.panel_width(), weights.inputs());
    let mut packed = AlignedBuf::zeros(weights.rows.len().next_multiple_of(width) * inputs);
    let panels = weights.rows.par_chunks(width).zip(packed.par_chunks_exact_mut(width * inputs));
    panels.for_each(|(rows, panel)| {
        interleave(&rows.iter().copied(), panel, width, |weight| weight * weights.factor);
    });
    PackedWeights::F32(packed)
}

fn pack_int8(level: SimdLevel, weights: &LinearWeights<'_>) -> PackedWeights {
    let (width, depth) = (level.panel_width(), weights.inputs().next_multiple_of(4));
    let columns = weights.rows.len().next_multiple_of(width);
    let mut quantized = AlignedBuf::<i8>::zeros(columns * depth);
    let (mut scales, mut column_sums) = (AlignedBuf::zeros(columns), AlignedBuf::zeros(columns));
    let sums = scales.par_chunks_exact_mut(width).zip(column_sums.par_chunks_exact_mut(width));
    let panels = quantized.par_chunks_exact_mut(width * depth).zip(sums);
    weights.rows.par_chunks(width).zip(panels).for_each(|(rows, (quantized, (scales, column_sums)))| {
        let limit = f32::from(level.max_int8_weight());
        level.run(PackInt8 { weights, limit, rows, quantized, scales, column_sums });
    });
    PackedWeights::Int8 { quantized, scales, column_sums }
}

/// Packs a panel. A kernel only for the instructions that the compiler vectorizes its loops with.
struct PackInt8<'a> {
    weights: &'a LinearWeights<'a>,
    /// The largest magnitude of a quantized weight.
    limit: f32,
    /// The outputs of the panel, at most `columns`.
    rows: &'a [&'a [f32]],
    /// `[inputs / 4, columns, 4]`.
    quantized: &'a mut [i8],
    /// `[columns]`.
    scales: &'a mut [f32],
    /// `[columns]`.
    column_sums: &'a mut [f32],
}

impl Kernel for PackInt8<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch, const ROWS: usize, const VECTORS: usize>(self, _: A) {
        let Self { weights, limit, rows, quantized: panel, scales, column_sums } = self;
        let width = scales.len();
        let depth = panel.len() / width;
        let mut folded = vec![0.0; weights.inputs()];
        // `[columns, depth]`.
        let mut quantized = vec![0_i8; width * depth];
        for (column, (row, quantized)) in rows.iter().zip(quantized.chunks_exact_mut(depth)).enumerate() {
            let mut row = *row;
            if let Some(folding) = weights.folding {
                for ((folded, weight), norm) in folded.iter_mut().zip(row).zip(&folding.weight) {
                    *folded = weight * norm;
                }
                row = &folded[..];
            }
            let (scale, sum) = quantize(row, limit, quantized);
            scales[column] = scale * weights.factor;
            column_sums[column] = scale * weights.factor * sum as f32;
        }
        let rows = quantized.chunks_exact(depth).take(rows.len()).map(bytemuck::cast_slice::<i8, [i8; 4]>);
        interleave(&rows, bytemuck::cast_slice_mut(panel), width, |four| four);
    }
}

/// Quantizes `row` to integers of at most `limit`. Returns their scale and their sum.
#[inline(always)]
fn quantize(row: &[f32], limit: f32, quantized: &mut [i8]) -> (f32, i32) {
    let mut largest = [0.0_f32; 16];
    for part in row.chunks(largest.len()) {
        for (largest, weight) in largest.iter_mut().zip(part) {
            *largest = if weight.abs() > *largest { weight.abs() } else { *largest };
        }
    }
    let largest = largest.into_iter().fold(0.0, f32::max);
    let scale = if largest > 0.0 { largest / limit } else { 1.0 };
    for (quantized, weight) in quantized.iter_mut().zip(row) {
        *quantized = (weight / scale).round_ties_even().clamp(-limit, limit) as i8;
    }
    (scale, quantized.iter().map(|weight| i32::from(*weight)).sum())
}

/// The steps that are interleaved together: the line of a cache.
const BLOCK: usize = 16;

/// Writes the columns `rows`, each `[depth]`, to `panel`, `[depth, width]`.
#[inline(always)]
fn interleave<'a, T: Copy + 'a>(
    rows: &(impl Iterator<Item = &'a [T]> + Clone),
    panel: &mut [T],
    width: usize,
    convert: impl Fn(T) -> T,
) {
    for (block, panel) in panel.chunks_mut(BLOCK * width).enumerate() {
        for (column, row) in rows.clone().enumerate() {
            for (value, step) in row[block * BLOCK..].iter().zip(panel.chunks_exact_mut(width)) {
                step[column] = convert(*value);
            }
        }
    }
}

/// Returns the sum of products, in `f64`.
pub(super) fn dot(left: &[f32], right: &[f32]) -> f64 {
    let mut sums = [0.0; 8];
    for (left, right) in left.chunks(sums.len()).zip(right.chunks(sums.len())) {
        for ((sum, left), right) in sums.iter_mut().zip(left).zip(right) {
            *sum += f64::from(*left) * f64::from(*right);
        }
    }
    sums.into_iter().sum()
}
