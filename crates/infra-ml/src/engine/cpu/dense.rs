use rayon::prelude::*;

use super::activation::Activate;
use super::arch::SimdLevel;
use super::arithmetic::Arithmetic;
use super::epilogue::{Accumulate, Overwrite};
use super::linear::Linear;
use super::rows::RowsRef;
use crate::architecture::Activation;

/// A fully connected layer in `f32`, packed once for this CPU, for callers whose rows are plain slices. It computes on
/// the threads of the current rayon pool.
pub(crate) struct Dense {
    level: SimdLevel,
    inputs: usize,
    linear: Linear,
}

/// What happens to the results of a product.
#[derive(Clone, Copy)]
enum Finish {
    Overwrite,
    Activate(Activation),
    Accumulate,
}

/// The rows of a block: few enough for its inputs to stay in a core's cache, enough to amortize loading the weights.
const MAX_BLOCK_ROWS: usize = 96;

/// Below this, a further core costs more by loading the weights than it gains.
const MIN_BLOCK_ROWS: usize = 24;

impl Dense {
    /// Packs `weights`, `[outputs, inputs]`, and `bias`, `[outputs]`.
    pub(crate) fn pack(weights: &[f32], bias: &[f32]) -> Self {
        let level = SimdLevel::detect();
        let linear = Linear::new(level, Arithmetic::F32, weights, bias, 1.0);
        Self { level, inputs: weights.len() / bias.len(), linear }
    }

    /// The width of a row of results.
    pub(crate) fn outputs(&self) -> usize {
        self.linear.outputs()
    }

    /// Returns the results, `[rows, outputs]`, for `input`, `[rows, inputs]`.
    pub(crate) fn apply(&self, input: &[f32]) -> Vec<f32> {
        self.run(input, vec![0.0; self.results(input)], Finish::Overwrite)
    }

    /// Returns `activation` of the results.
    pub(crate) fn activate(&self, input: &[f32], activation: Activation) -> Vec<f32> {
        self.run(input, vec![0.0; self.results(input)], Finish::Activate(activation))
    }

    /// Returns the sums of the results and of `residual`, `[rows, outputs]`.
    pub(crate) fn add_to(&self, residual: &[f32], input: &[f32]) -> Vec<f32> {
        self.run(input, residual.to_vec(), Finish::Accumulate)
    }

    fn results(&self, input: &[f32]) -> usize {
        input.len() / self.inputs * self.outputs()
    }

    fn run(&self, input: &[f32], mut out: Vec<f32>, finish: Finish) -> Vec<f32> {
        let (rows, width) = (input.len() / self.inputs, self.outputs());
        let parts =
            rayon::current_num_threads().min(rows / MIN_BLOCK_ROWS).max(rows.div_ceil(MAX_BLOCK_ROWS));
        let block = rows.div_ceil(parts.max(1)).max(1);
        let inputs = input.par_chunks(block * self.inputs);
        out.par_chunks_mut(block * width).zip(inputs).for_each(|(out, values)| {
            let input = RowsRef { width: self.inputs, values, quantized: &[], scales: &[], offsets: &[] };
            match finish {
                Finish::Overwrite => self.linear.apply(self.level, input, Overwrite { out, width }),
                Finish::Activate(function) => {
                    self.linear.apply(self.level, input, Activate { function, out, width });
                }
                Finish::Accumulate => self.linear.apply(self.level, input, Accumulate { out, width }),
            }
        });
        out
    }
}
