use rten_simd::ops::{BitOps, FloatOps, NarrowSaturate, NumOps};
use rten_simd::{Isa, Simd};

use super::arch::{Arch, F32, Level, Work};
use super::linear::Arithmetic;
use super::lines::Lines;

/// Rows of activations, one a token: as numbers, and where products are of bytes as `scale · byte + offset` too.
pub(super) struct Rows {
    width: usize,
    arithmetic: Arithmetic,
    numbers: Lines<f32>,
    bytes: Lines<u8>,
    scales: Lines<f32>,
    offsets: Lines<f32>,
}

/// Some rows that lie together, to be read.
#[derive(Clone, Copy)]
pub(super) struct RowsRef<'a> {
    pub(super) width: usize,
    pub(super) numbers: &'a [f32],
    pub(super) bytes: &'a [u8],
    pub(super) scales: &'a [f32],
    pub(super) offsets: &'a [f32],
}

/// Some rows that lie together, to be written.
pub(super) struct RowsMut<'a> {
    pub(super) width: usize,
    arithmetic: Arithmetic,
    pub(super) numbers: &'a mut [f32],
    bytes: &'a mut [u8],
    scales: &'a mut [f32],
    offsets: &'a mut [f32],
}

impl Rows {
    pub(super) fn new(width: usize, arithmetic: Arithmetic) -> Self {
        let (numbers, bytes) = (Lines::zeros(0), Lines::zeros(0));
        Self { width, arithmetic, numbers, bytes, scales: Lines::zeros(0), offsets: Lines::zeros(0) }
    }

    /// Makes room for `rows`, of which nothing is kept.
    pub(super) fn reserve(&mut self, rows: usize) {
        self.numbers.reserve(rows * self.width);
        if self.arithmetic == Arithmetic::Int8 {
            self.bytes.reserve(rows * byte_width(self.width));
            self.scales.reserve(rows);
            self.offsets.reserve(rows);
        }
    }

    /// The first `rows` of them.
    pub(super) fn first(&mut self, rows: usize) -> RowsMut<'_> {
        let (bytes, parts) =
            if self.arithmetic == Arithmetic::Int8 { (rows * byte_width(self.width), rows) } else { (0, 0) };
        RowsMut {
            width: self.width,
            arithmetic: self.arithmetic,
            numbers: &mut self.numbers[..rows * self.width],
            bytes: &mut self.bytes[..bytes],
            scales: &mut self.scales[..parts],
            offsets: &mut self.offsets[..parts],
        }
    }
}

impl RowsMut<'_> {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.numbers.len() / self.width
    }

    /// The same, to be read.
    pub(super) fn read(&self) -> RowsRef<'_> {
        RowsRef {
            width: self.width,
            numbers: self.numbers,
            bytes: self.bytes,
            scales: self.scales,
            offsets: self.offsets,
        }
    }

    /// The same for a shorter time.
    pub(super) fn reborrow(&mut self) -> RowsMut<'_> {
        RowsMut {
            width: self.width,
            arithmetic: self.arithmetic,
            numbers: self.numbers,
            bytes: self.bytes,
            scales: self.scales,
            offsets: self.offsets,
        }
    }

    /// The first `rows`, and the others.
    pub(super) fn split_at(self, rows: usize) -> (Self, Self) {
        let (width, arithmetic) = (self.width, self.arithmetic);
        let (bytes, parts) =
            if arithmetic == Arithmetic::Int8 { (rows * byte_width(width), rows) } else { (0, 0) };
        let (numbers, other_numbers) = self.numbers.split_at_mut(rows * width);
        let (bytes, other_bytes) = self.bytes.split_at_mut(bytes);
        let (scales, other_scales) = self.scales.split_at_mut(parts);
        let (offsets, other_offsets) = self.offsets.split_at_mut(parts);
        (
            Self { width, arithmetic, numbers, bytes, scales, offsets },
            Self {
                width,
                arithmetic,
                numbers: other_numbers,
                bytes: other_bytes,
                scales: other_scales,
                offsets: other_offsets,
            },
        )
    }

    /// Pieces of `rows`; the last may have fewer.
    pub(super) fn split_every(self, rows: usize) -> Vec<Self> {
        let mut pieces = Vec::with_capacity(self.len().div_ceil(rows));
        let mut rest = self;
        while rest.len() > rows {
            let (piece, after) = rest.split_at(rows);
            pieces.push(piece);
            rest = after;
        }
        pieces.push(rest);
        pieces
    }

    /// Copies row `from` to row `to`.
    pub(super) fn copy_row(&mut self, from: usize, to: usize) {
        let (width, bytes) = (self.width, byte_width(self.width));
        self.numbers.copy_within(from * width..(from + 1) * width, to * width);
        if self.arithmetic == Arithmetic::Int8 {
            self.bytes.copy_within(from * bytes..(from + 1) * bytes, to * bytes);
            self.scales[to] = self.scales[from];
            self.offsets[to] = self.offsets[from];
        }
    }

    /// Makes the bytes from the numbers, where products are of bytes.
    pub(super) fn quantise(&mut self, level: Level) {
        level.run(Quantise { rows: self.reborrow() });
    }
}

/// The bytes of a row: they come in fours.
pub(super) fn byte_width(width: usize) -> usize {
    width.next_multiple_of(4)
}

struct Quantise<'a> {
    rows: RowsMut<'a>,
}

impl Work for Quantise<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch, const ROWS: usize, const VECTORS: usize>(mut self, arch: A) {
        for row in 0..self.rows.len() {
            quantise_row(arch, &mut self.rows, row);
        }
    }
}

/// Makes the bytes of a row: its least number becomes 0, its greatest 255. Nothing where products are of numbers.
#[inline(always)]
pub(super) fn quantise_row<A: Arch>(arch: A, rows: &mut RowsMut<'_>, row: usize) {
    if rows.arithmetic != Arithmetic::Int8 {
        return;
    }
    let numbers = &rows.numbers[row * rows.width..][..rows.width];
    let (low, high, spoilt) = range(arch, numbers);
    let span = high - low;
    let (scale, inverse) = if span > 0.0 { (span / 255.0, 255.0 / span) } else { (1.0, 0.0) };
    rows.scales[row] = scale;
    // Bytes are always numbers. What was not a number, or not finite, must not become one unseen.
    rows.offsets[row] = low + spoilt;
    let width = byte_width(rows.width);
    write_bytes(arch, numbers, [low, inverse], &mut rows.bytes[row * width..][..width]);
}

/// The least and the greatest of `numbers`, and 0 where all of them are finite, else what is not a number.
#[inline(always)]
fn range<A: Arch>(arch: A, numbers: &[f32]) -> (f32, f32, f32) {
    let ops = arch.isa().f32();
    let lanes = ops.len();
    let (whole, rest) = numbers.split_at(numbers.len() / lanes * lanes);
    let mut lows = ops.splat(f32::INFINITY);
    let mut highs = ops.splat(f32::NEG_INFINITY);
    let mut zeros = ops.zero();
    for vector in whole.chunks_exact(lanes) {
        let vector = ops.load(vector);
        lows = ops.min(lows, vector);
        highs = ops.max(highs, vector);
        zeros = ops.mul_add(vector, ops.zero(), zeros);
    }
    let mut low = fold_lanes::<A>(lows, |left, right| if right < left { right } else { left });
    let mut high = fold_lanes::<A>(highs, |left, right| if right > left { right } else { left });
    let mut zero = ops.sum(zeros);
    for number in rest {
        low = low.min(*number);
        high = high.max(*number);
        zero += number * 0.0;
    }
    (low, high, zero)
}

/// Writes `(number - low) · inverse` of each, and zeros behind them.
#[inline(always)]
fn write_bytes<A: Arch>(arch: A, numbers: &[f32], [low, inverse]: [f32; 2], out: &mut [u8]) {
    let isa = arch.isa();
    let ops = isa.f32();
    let lanes = ops.len();
    let (shift, factor) = (ops.splat(-low * inverse), ops.splat(inverse));
    let (fours, rest) = numbers.split_at(numbers.len() / (4 * lanes) * (4 * lanes));
    let (out, left) = out.split_at_mut(fours.len());
    for (four, out) in fours.chunks_exact(4 * lanes).zip(out.chunks_exact_mut(4 * lanes)) {
        let mut quantised = [isa.i32().zero(); 4];
        for (quantised, vector) in quantised.iter_mut().zip(four.chunks_exact(lanes)) {
            *quantised = ops.to_int_round(ops.mul_add(ops.load(vector), factor, shift));
        }
        let first = isa.i32().narrow_saturate(quantised[0], quantised[1]);
        let second = isa.i32().narrow_saturate(quantised[2], quantised[3]);
        isa.u8().store(isa.i16().narrow_saturate(first, second), out);
    }
    left.fill(0);
    for (byte, number) in left.iter_mut().zip(rest) {
        *byte = ((number - low) * inverse).round_ties_even() as u8;
    }
}

/// One number of all lanes, by halves, so that no step waits for all those before it.
#[inline(always)]
pub(super) fn fold_lanes<A: Arch>(vector: F32<A>, pick: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = vector.to_array();
    let mut count = lanes.as_ref().len();
    while count > 1 {
        count /= 2;
        for lane in 0..count {
            lanes[lane] = pick(lanes[lane], lanes[lane + count]);
        }
    }
    lanes[0]
}
