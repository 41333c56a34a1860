#![expect(unsafe_code, reason = "tiles are given pointers whose bounds were checked for all of them at once")]

use rten_simd::Isa;
use rten_simd::ops::{BitOps, NumOps};

use super::arch::{Arch, F32, Level, Work, to_f32};
use super::lines::Lines;
use super::rows::RowsRef;
use super::tile::{tile_bytes, tile_f32};

/// `y = x · Wᵀ + b`, with the weights laid out in panels of as many columns as a tile has.
pub(super) struct Linear {
    inputs: usize,
    outputs: usize,
    /// With zeros up to a whole panel.
    bias: Lines<f32>,
    weights: Weights,
}

enum Weights {
    /// `[panels][inputs][columns]`.
    F32(Lines<f32>),
    /// `[panels][inputs / 4][columns][4]`, one scale a column.
    Int8 { bytes: Lines<i8>, scales: Lines<f32>, sums: Lines<f32> },
}

/// What weights are kept as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    /// As they are.
    F32,
    /// Weights as bytes with a scale for each output, activations as bytes with a scale and a zero for each token
    /// (W8A8, as ONNX Runtime's dynamic quantisation per channel, but with activations per token).
    Int8,
}

/// Where a vector of a product belongs.
#[derive(Clone, Copy)]
pub(super) struct Place {
    row: usize,
    /// That of its first lane.
    column: usize,
    /// The lanes that count, from the first.
    lanes: usize,
}

impl Place {
    /// Its part of rows of `width`.
    #[inline(always)]
    pub(super) fn of(self, out: &mut [f32], width: usize) -> &mut [f32] {
        &mut out[self.row * width + self.column..][..self.lanes]
    }
}

/// What becomes of a product's numbers while they are in registers.
pub(super) trait Finish {
    /// Takes the vector that belongs to `place`.
    fn finish<A: Arch>(&mut self, arch: A, place: Place, value: F32<A>);
}

impl Linear {
    /// Packs `weights`, `[outputs][inputs]`, for `level`, each multiplied by `factor`.
    pub(super) fn new(
        level: Level,
        arithmetic: Arithmetic,
        weights: &[f32],
        bias: &[f32],
        factor: f32,
    ) -> Self {
        let (outputs, width) = (bias.len(), level.panel());
        let inputs = weights.len() / outputs;
        let columns = outputs.next_multiple_of(width);
        let mut padded = Lines::zeros(columns);
        for (to, from) in padded.iter_mut().zip(bias) {
            *to = from * factor;
        }
        let weights = match arithmetic {
            Arithmetic::F32 => {
                let mut packed = Lines::zeros(columns * inputs);
                for output in 0..outputs {
                    for input in 0..inputs {
                        packed[(output / width * inputs + input) * width + output % width] =
                            weights[output * inputs + input] * factor;
                    }
                }
                Weights::F32(packed)
            }
            Arithmetic::Int8 => {
                let quads = inputs.div_ceil(4);
                let mut bytes = Lines::zeros(columns * quads * 4);
                let (mut scales, mut sums) = (Lines::zeros(columns), Lines::zeros(columns));
                for output in 0..outputs {
                    let row = &weights[output * inputs..][..inputs];
                    let largest = row.iter().fold(0.0_f32, |most, weight| most.max(weight.abs()));
                    let limit = f32::from(level.largest_weight());
                    let scale = if largest > 0.0 { largest / limit } else { 1.0 };
                    let mut sum = 0;
                    for (input, weight) in row.iter().enumerate() {
                        let byte = (weight / scale).round_ties_even().clamp(-limit, limit) as i8;
                        sum += i32::from(byte);
                        let place = (output / width * quads + input / 4) * width + output % width;
                        bytes[place * 4 + input % 4] = byte;
                    }
                    scales[output] = scale * factor;
                    sums[output] = scale * factor * sum as f32;
                }
                Weights::Int8 { bytes, scales, sums }
            }
        };
        Self { inputs, outputs, bias: padded, weights }
    }

    /// How many numbers a row of the result has.
    pub(super) fn outputs(&self) -> usize {
        self.outputs
    }

    /// Multiplies the rows of `input` and gives each vector of the result to `finish`.
    pub(super) fn apply<F: Finish>(&self, level: Level, input: RowsRef<'_>, finish: F) {
        level.run(Product { linear: self, input, finish });
    }
}

struct Product<'a, F> {
    linear: &'a Linear,
    input: RowsRef<'a>,
    finish: F,
}

impl<F: Finish> Work for Product<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch, const ROWS: usize, const VECTORS: usize>(mut self, arch: A) {
        let width = arch.isa().f32().len() * VECTORS;
        let rows = self.input.numbers.len() / self.input.width;
        let tiles = rows.div_ceil(ROWS);
        for panel in 0..self.linear.outputs.div_ceil(width) {
            for tile in 0..tiles {
                // Tiles of about the same height: a tile of one row alone would wait for each of its sums.
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

impl<F: Finish> Product<'_, F> {
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
        let column = panel * width;
        match &linear.weights {
            Weights::F32(packed) => {
                let packed = &packed[column * inputs..][..width * inputs];
                let numbers = &input.numbers[start * inputs..][..ROWS * inputs];
                let rows = std::array::from_fn(|row| numbers[row * inputs..].as_ptr());
                // SAFETY: `packed` holds `inputs` steps of `width` columns, and `numbers` `ROWS` rows of `inputs`.
                let sums =
                    unsafe { tile_f32::<A, ROWS, VECTORS>(arch, rows, packed.as_ptr(), width, inputs) };
                for vector in 0..VECTORS {
                    let place = column + vector * lanes;
                    let bias = ops.load(&linear.bias[place..]);
                    for (row, sums) in sums.iter().enumerate() {
                        self.give(arch, start + row, place, ops.add(sums[vector], bias));
                    }
                }
            }
            Weights::Int8 { bytes: packed, scales, sums: totals } => {
                let quads = inputs.div_ceil(4);
                let packed = &packed[column * quads * 4..][..width * quads * 4];
                let bytes = &input.bytes[start * quads * 4..][..ROWS * quads * 4];
                let rows = std::array::from_fn(|row| bytes[row * quads * 4..].as_ptr());
                // SAFETY: `packed` holds `quads` steps of `4 · width` bytes, and `bytes` `ROWS` rows of `4 · quads`.
                let sums = unsafe { tile_bytes::<A, ROWS, VECTORS>(arch, rows, packed.as_ptr(), quads) };
                for vector in 0..VECTORS {
                    let place = column + vector * lanes;
                    let (scale, total) = (ops.load(&scales[place..]), ops.load(&totals[place..]));
                    let bias = ops.load(&linear.bias[place..]);
                    for (row, sums) in sums.iter().enumerate() {
                        // An activation is step · byte + offset, so that Σ x w = step · Σ byte w + offset · Σ w.
                        let (step, offset) = (input.scales[start + row], input.offsets[start + row]);
                        let value = ops.mul(to_f32(arch, sums[vector]), scale);
                        let value = ops.mul_add(value, ops.splat(step), bias);
                        self.give(arch, start + row, place, ops.mul_add(total, ops.splat(offset), value));
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn give<A: Arch>(&mut self, arch: A, row: usize, column: usize, value: F32<A>) {
        let lanes = self.linear.outputs.saturating_sub(column).min(arch.isa().f32().len());
        if lanes > 0 {
            self.finish.finish(arch, Place { row, column, lanes }, value);
        }
    }
}

/// Writes the numbers into rows of `width`.
pub(super) struct Store<'a> {
    pub(super) out: &'a mut [f32],
    pub(super) width: usize,
}

impl Finish for Store<'_> {
    #[inline(always)]
    fn finish<A: Arch>(&mut self, arch: A, place: Place, value: F32<A>) {
        store(arch, place.of(self.out, self.width), value);
    }
}

/// Adds the numbers to those that stand there.
pub(super) struct Add<'a> {
    pub(super) out: &'a mut [f32],
    pub(super) width: usize,
}

impl Finish for Add<'_> {
    #[inline(always)]
    fn finish<A: Arch>(&mut self, arch: A, place: Place, value: F32<A>) {
        let out = place.of(self.out, self.width);
        let (before, _) = arch.isa().f32().load_pad(out);
        store(arch, out, arch.isa().f32().add(before, value));
    }
}

/// Writes as many lanes of `value` as `out` has room for.
#[inline(always)]
pub(super) fn store<A: Arch>(arch: A, out: &mut [f32], value: F32<A>) {
    let ops = arch.isa().f32();
    if out.len() >= ops.len() {
        ops.store(value, out);
    } else {
        let mask = ops.first_n_mask(out.len());
        // SAFETY: the mask selects the first `out.len()` lanes only.
        unsafe { ops.store_ptr_mask(value, out.as_mut_ptr(), mask) };
    }
}
