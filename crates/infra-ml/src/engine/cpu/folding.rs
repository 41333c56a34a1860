//! Folding of a layer norm into the next linear layers, for int8 arithmetic.
//!
//! A norm's result is `y = n · weight + bias`, with `n` of mean 0 and variance 1. Where a few channels have a weight
//! far above the others, as in RoBERTa and XLM-RoBERTa, the range of `y` is that of these channels, and the 256 levels
//! of a quantized row leave few for all others. So the row is quantized as `z = n · factors`, and the next layer has
//! `W · weight / factors` in place of `W`, and `b + W · bias` in place of `b`: the same result, at no cost.
//!
//! A factor distributes a channel's range between the row and the weights, as in [SmoothQuant], with ranges estimated
//! from the weights alone: `√(range of the weights / range of n)`, rounded to a power of two, so that `y` is the same
//! to the bit.
//!
//! [SmoothQuant]: https://arxiv.org/abs/2211.10438

use super::norm::LayerNorm;
use super::panels::{LinearWeights, dot};

/// The folding of a [`LayerNorm`].
pub(super) struct Folding {
    /// The factor of the normalized number in a quantized row, `[width]`.
    pub(super) factors: Vec<f32>,
    /// The norm's weight divided by `factors`, `[width]`.
    pub(super) weight: Vec<f32>,
    /// The norm's bias, `[width]`.
    pub(super) bias: Vec<f32>,
}

impl Folding {
    /// Folds `norm`, whose input has `spread`, into layers whose largest weights for each input are `largest`.
    pub(super) fn new(norm: &LayerNorm, spread: &Spread, largest: &[f32]) -> Self {
        let ranges: Vec<f32> =
            norm.weight.iter().zip(largest).map(|(norm, largest)| (norm * largest).abs()).collect();
        let least = ranges.iter().copied().fold(0.0, f32::max) * LEAST_RANGE;
        let factors: Vec<f32> = ranges
            .iter()
            .zip(&spread.0)
            .map(|(range, spread)| power_of_two((range.max(least) / spread).sqrt()))
            .collect();
        let weight = norm.weight.iter().zip(&factors).map(|(weight, factor)| weight / factor).collect();
        Self { factors, weight, bias: norm.bias.clone() }
    }
}

/// The range of a channel's weights, as a part of the largest, below which it has no influence on the factor.
const LEAST_RANGE: f32 = 1e-6;

/// Returns the power of two next to `factor`; 1 where there is none.
fn power_of_two(factor: f32) -> f32 {
    let exponent = factor.log2();
    if exponent.is_finite() { exponent.round().clamp(-32.0, 32.0).exp2() } else { 1.0 }
}

/// The relative magnitude of each channel of a layer norm's input, `[width]`, estimated from the weights that compute
/// it.
pub(super) struct Spread(Vec<f32>);

impl Spread {
    /// The same for all channels.
    pub(super) fn even(width: usize) -> Self {
        Self(vec![1.0; width])
    }

    /// The spread of `residual + branch`: the result of the norm `residual`, where there is one, and that of a linear
    /// layer.
    pub(super) fn of_sum(residual: Option<&LayerNorm>, branch: &LinearWeights<'_>) -> Self {
        let magnitude = |(channel, row): (usize, &&[f32])| {
            let (weight, bias) =
                residual.map_or((1.0, 0.0), |norm| (norm.weight[channel], norm.bias[channel]));
            let bias = bias + branch.bias[channel];
            let variance = weight * weight + BRANCH_INPUT_SQUARE * dot(row, row) as f32;
            (variance + bias * bias).sqrt().max(f32::MIN_POSITIVE)
        };
        Self(branch.rows.iter().enumerate().map(magnitude).collect())
    }
}

/// The mean square of the numbers that a branch's last linear layer multiplies, as a rough estimate: the activations of
/// a feed-forward network or the values of attention.
const BRANCH_INPUT_SQUARE: f32 = 0.3;
