//! The pieces that are measured one by one.

use std::hint::black_box;

use super::arch::Level;
use super::attention::{Attention, AttentionScratch};
use super::linear::{Arithmetic, Linear, Store};
use super::rows::Rows;
use crate::settings::Precision;

pub(crate) fn product(precision: Precision, rows: usize, [outputs, inputs]: [usize; 2]) -> impl FnMut() {
    let level = Level::detect();
    let arithmetic = if precision == Precision::Int8 { Arithmetic::Int8 } else { Arithmetic::F32 };
    let linear = Linear::new(level, arithmetic, &waves(outputs * inputs), &vec![0.1; outputs], 1.0);
    let mut input = Rows::new(inputs, arithmetic);
    input.reserve(rows);
    let mut first = input.first(rows);
    first.numbers.copy_from_slice(&waves(rows * inputs));
    first.quantise(level);
    let mut out = vec![0.0; rows * outputs];
    move || {
        linear.apply(level, input.first(rows).read(), Store { out: &mut out, width: outputs });
        black_box(&out);
    }
}

pub(crate) fn attention(tokens: usize, heads: usize, size: usize) -> impl FnMut() {
    let level = Level::detect();
    let (queries, memory) = (waves(tokens * heads * size), waves(2 * tokens * heads * size));
    let mut out = vec![0.0; tokens * heads * size];
    let mut scratch = AttentionScratch::new();
    move || {
        let scratch = &mut scratch;
        Attention { queries: &queries, memory: &memory, heads, size, out: &mut out, scratch }.apply(level);
        black_box(&out);
    }
}

fn waves(count: usize) -> Vec<f32> {
    (0..count).map(|place| (place as f32 * 0.7).sin()).collect()
}
