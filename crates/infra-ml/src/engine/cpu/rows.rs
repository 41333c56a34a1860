use rten_simd::Isa;
use rten_simd::ops::{BitOps, FloatOps, NarrowSaturate, NumOps};

use super::aligned_buf::AlignedBuf;
use super::arch::{Arch, Kernel, SimdLevel};
use super::arithmetic::Arithmetic;
use super::vector::fold_lanes;

/// A reusable matrix with one row for each token, `[rows, width]` in `f32`. With int8 arithmetic each row is also
/// quantized to `u8`: `value ≈ scale · quantized + offset`.
pub(super) struct Rows {
    width: usize,
    arithmetic: Arithmetic,
    values: AlignedBuf<f32>,
    quantized: AlignedBuf<u8>,
    scales: AlignedBuf<f32>,
    offsets: AlignedBuf<f32>,
}

/// Consecutive rows of [`Rows`], shared.
#[derive(Clone, Copy)]
pub(super) struct RowsRef<'a> {
    pub(super) width: usize,
    /// `[rows, width]`.
    pub(super) values: &'a [f32],
    /// `[rows, quantized_width(width)]`; empty with `f32` arithmetic, as are `scales` and `offsets`.
    pub(super) quantized: &'a [u8],
    /// `[rows]`.
    pub(super) scales: &'a [f32],
    /// `[rows]`.
    pub(super) offsets: &'a [f32],
}

/// Consecutive rows of [`Rows`], exclusive; shapes as in [`RowsRef`].
pub(super) struct RowsMut<'a> {
    pub(super) width: usize,
    arithmetic: Arithmetic,
    pub(super) values: &'a mut [f32],
    quantized: &'a mut [u8],
    scales: &'a mut [f32],
    offsets: &'a mut [f32],
}

impl Rows {
    pub(super) fn new(width: usize, arithmetic: Arithmetic) -> Self {
        let (values, quantized) = (AlignedBuf::zeros(0), AlignedBuf::zeros(0));
        let (scales, offsets) = (AlignedBuf::zeros(0), AlignedBuf::zeros(0));
        Self { width, arithmetic, values, quantized, scales, offsets }
    }

    /// Grows the matrix to at least `rows` rows. A matrix that grows loses its contents.
    pub(super) fn reserve(&mut self, rows: usize) {
        self.values.reserve(rows * self.width);
        if self.arithmetic == Arithmetic::Int8 {
            self.quantized.reserve(rows * quantized_width(self.width));
            self.scales.reserve(rows);
            self.offsets.reserve(rows);
        }
    }

    /// The bytes of all buffers.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.values.bytes() + self.quantized.bytes() + self.scales.bytes() + self.offsets.bytes()
    }

    /// The first `rows` rows.
    pub(super) fn first(&mut self, rows: usize) -> RowsMut<'_> {
        let (bytes, scales) = quantized_lens(self.arithmetic, rows, self.width);
        RowsMut {
            width: self.width,
            arithmetic: self.arithmetic,
            values: &mut self.values[..rows * self.width],
            quantized: &mut self.quantized[..bytes],
            scales: &mut self.scales[..scales],
            offsets: &mut self.offsets[..scales],
        }
    }
}

impl<'a> RowsMut<'a> {
    /// The rows `values`, `[rows, width]`, with `f32` arithmetic.
    pub(super) fn of_f32(width: usize, values: &'a mut [f32]) -> Self {
        let arithmetic = Arithmetic::F32;
        Self { width, arithmetic, values, quantized: &mut [], scales: &mut [], offsets: &mut [] }
    }
}

impl RowsMut<'_> {
    /// The number of rows.
    pub(super) fn len(&self) -> usize {
        self.values.len() / self.width
    }

    pub(super) fn as_ref(&self) -> RowsRef<'_> {
        RowsRef {
            width: self.width,
            values: self.values,
            quantized: self.quantized,
            scales: self.scales,
            offsets: self.offsets,
        }
    }

    pub(super) fn reborrow(&mut self) -> RowsMut<'_> {
        RowsMut {
            width: self.width,
            arithmetic: self.arithmetic,
            values: self.values,
            quantized: self.quantized,
            scales: self.scales,
            offsets: self.offsets,
        }
    }

    /// Splits into the first `rows` rows and the others.
    pub(super) fn split_at(self, rows: usize) -> (Self, Self) {
        let (width, arithmetic) = (self.width, self.arithmetic);
        let (bytes, scales) = quantized_lens(arithmetic, rows, width);
        let (values, other_values) = self.values.split_at_mut(rows * width);
        let (quantized, other_quantized) = self.quantized.split_at_mut(bytes);
        let (offsets, other_offsets) = self.offsets.split_at_mut(scales);
        let (scales, other_scales) = self.scales.split_at_mut(scales);
        (
            Self { width, arithmetic, values, quantized, scales, offsets },
            Self {
                width,
                arithmetic,
                values: other_values,
                quantized: other_quantized,
                scales: other_scales,
                offsets: other_offsets,
            },
        )
    }

    /// Splits into chunks of `rows` rows; the last may be shorter.
    pub(super) fn chunks(self, rows: usize) -> Vec<Self> {
        let mut chunks = Vec::with_capacity(self.len().div_ceil(rows));
        let mut rest = self;
        while rest.len() > rows {
            let (chunk, after) = rest.split_at(rows);
            chunks.push(chunk);
            rest = after;
        }
        chunks.push(rest);
        chunks
    }

    /// Copies row `from` to row `to`.
    pub(super) fn copy_row(&mut self, from: usize, to: usize) {
        let (width, bytes) = (self.width, quantized_width(self.width));
        self.values.copy_within(from * width..(from + 1) * width, to * width);
        if self.arithmetic == Arithmetic::Int8 {
            self.quantized.copy_within(from * bytes..(from + 1) * bytes, to * bytes);
            self.scales[to] = self.scales[from];
            self.offsets[to] = self.offsets[from];
        }
    }

    /// Quantizes the rows; does nothing with `f32` arithmetic.
    pub(super) fn quantize(&mut self, level: SimdLevel) {
        level.run(Quantize { rows: self.reborrow() });
    }
}

/// The bytes of a quantized row: `width` rounded up to a multiple of four, as [`tile_int8`](super::tile::tile_int8)
/// reads.
fn quantized_width(width: usize) -> usize {
    width.next_multiple_of(4)
}

/// The lengths of `quantized` and of `scales` for `rows` rows.
fn quantized_lens(arithmetic: Arithmetic, rows: usize, width: usize) -> (usize, usize) {
    match arithmetic {
        Arithmetic::F32 => (0, 0),
        Arithmetic::Int8 => (rows * quantized_width(width), rows),
    }
}

struct Quantize<'a> {
    rows: RowsMut<'a>,
}

impl Kernel for Quantize<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch, const ROWS: usize, const VECTORS: usize>(mut self, arch: A) {
        for row in 0..self.rows.len() {
            quantize_row(arch, &mut self.rows, row);
        }
    }
}

/// Quantizes a row: its minimum becomes 0, its maximum 255. Does nothing with `f32` arithmetic.
#[inline(always)]
pub(super) fn quantize_row<A: Arch>(arch: A, rows: &mut RowsMut<'_>, row: usize) {
    if rows.arithmetic != Arithmetic::Int8 {
        return;
    }
    let values = &rows.values[row * rows.width..][..rows.width];
    let (min, max, zero_or_nan) = range(arch, values);
    let span = max - min;
    let (scale, inverse) = if span > 0.0 { (span / 255.0, 255.0 / span) } else { (1.0, 0.0) };
    rows.scales[row] = scale;
    // A `u8` cannot hold NaN or infinity: the offset carries them to the results.
    rows.offsets[row] = min + zero_or_nan;
    let width = quantized_width(rows.width);
    write_quantized(arch, values, [min, inverse], &mut rows.quantized[row * width..][..width]);
}

/// The minimum and the maximum of `values`, and a third number: 0 where all values are finite, else NaN.
#[inline(always)]
fn range<A: Arch>(arch: A, values: &[f32]) -> (f32, f32, f32) {
    let ops = arch.isa().f32();
    let lanes = ops.len();
    let (whole, rest) = values.split_at(values.len() / lanes * lanes);
    let mut mins = ops.splat(f32::INFINITY);
    let mut maxs = ops.splat(f32::NEG_INFINITY);
    let mut zeros = ops.zero();
    for vector in whole.chunks_exact(lanes) {
        let vector = ops.load(vector);
        mins = ops.min(mins, vector);
        maxs = ops.max(maxs, vector);
        zeros = ops.mul_add(vector, ops.zero(), zeros);
    }
    let mut min = fold_lanes::<A>(mins, |left, right| if right < left { right } else { left });
    let mut max = fold_lanes::<A>(maxs, |left, right| if right > left { right } else { left });
    let mut zero = ops.sum(zeros);
    for value in rest {
        min = min.min(*value);
        max = max.max(*value);
        zero += value * 0.0;
    }
    (min, max, zero)
}

/// Writes `(value - min) · inverse` of each value to `out`, then zeros to its end.
#[inline(always)]
fn write_quantized<A: Arch>(arch: A, values: &[f32], [min, inverse]: [f32; 2], out: &mut [u8]) {
    let isa = arch.isa();
    let ops = isa.f32();
    let lanes = ops.len();
    let (shift, factor) = (ops.splat(-min * inverse), ops.splat(inverse));
    let (fours, rest) = values.split_at(values.len() / (4 * lanes) * (4 * lanes));
    let (out, left) = out.split_at_mut(fours.len());
    for (four, out) in fours.chunks_exact(4 * lanes).zip(out.chunks_exact_mut(4 * lanes)) {
        let mut quantized = [isa.i32().zero(); 4];
        for (quantized, vector) in quantized.iter_mut().zip(four.chunks_exact(lanes)) {
            *quantized = ops.to_int_round(ops.mul_add(ops.load(vector), factor, shift));
        }
        let first = isa.i32().narrow_saturate(quantized[0], quantized[1]);
        let second = isa.i32().narrow_saturate(quantized[2], quantized[3]);
        isa.u8().store(isa.i16().narrow_saturate(first, second), out);
    }
    left.fill(0);
    for (byte, value) in left.iter_mut().zip(rest) {
        *byte = ((value - min) * inverse).round_ties_even() as u8;
    }
}
