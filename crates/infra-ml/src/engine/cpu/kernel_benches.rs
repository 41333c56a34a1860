//! The kernels that `cargo bench` measures one by one.

use std::hint::black_box;

use super::arch::SimdLevel;
use super::arithmetic::Arithmetic;
use super::attention::{Attention, AttentionScratch};
use super::epilogue::Overwrite;
use super::linear::Linear;
use super::rows::Rows;
use crate::settings::Precision;

/// Returns a run of one product of `[rows, inputs]` by a matrix of `[outputs, inputs]`, with bias.
pub(crate) fn product(precision: Precision, rows: usize, [outputs, inputs]: [usize; 2]) -> impl FnMut() {
    let (level, arithmetic) = (SimdLevel::detect(), Arithmetic::from(precision));
    let linear = Linear::new(level, arithmetic, &waves(outputs * inputs), &vec![0.1; outputs], 1.0);
    let mut input = Rows::new(inputs, arithmetic);
    input.reserve(rows);
    let mut first = input.first(rows);
    first.values.copy_from_slice(&waves(rows * inputs));
    first.quantize(level);
    let mut out = vec![0.0; rows * outputs];
    move || {
        linear.apply(level, input.first(rows).as_ref(), Overwrite { out: &mut out, width: outputs });
        black_box(&out);
    }
}

/// Returns a run of the attention of one sequence.
pub(crate) fn attention(tokens: usize, heads: usize, head_dim: usize) -> impl FnMut() {
    let level = SimdLevel::detect();
    let (queries, key_value) = (waves(tokens * heads * head_dim), waves(2 * tokens * heads * head_dim));
    let mut out = vec![0.0; tokens * heads * head_dim];
    let mut scratch = AttentionScratch::new();
    move || {
        let (out, scratch) = (&mut out, &mut scratch);
        Attention { queries: &queries, key_value: &key_value, heads, head_dim, out, scratch }.apply(level);
        black_box(out);
    }
}

/// `count` numbers between -1 and 1.
fn waves(count: usize) -> Vec<f32> {
    (0..count).map(|index| (index as f32 * 0.7).sin()).collect()
}
