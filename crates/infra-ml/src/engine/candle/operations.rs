//! What the classifiers of all architectures share.

use candle_core::{Result, Tensor};
use candle_nn::{LayerNorm, VarBuilder};

use crate::architecture::Activation;

/// A classifier of one architecture, shared by all workers.
pub(super) trait CandleClassifier: Send + Sync {
    /// Returns the logits, `[sequences, labels]`, of the token ids `ids`, `[sequences, width]` of u32.
    ///
    /// `mask`, `[sequences, width]` of f32, is 1 for tokens and 0 for the padding after them.
    fn forward(&self, ids: &Tensor, mask: &Tensor) -> Result<Tensor>;
}

/// The score of a masked key: so low that its exponential is 0, but finite, so that a fully masked row is not NaN.
pub(super) const MASKED_SCORE: f32 = -3.0e38;

/// Returns what is added to the scores, `[sequences, 1, 1, width]` of f32, for the `mask` of
/// [`CandleClassifier::forward`]: 0 for tokens, [`MASKED_SCORE`] for padding.
pub(super) fn additive_mask(mask: &Tensor) -> Result<Tensor> {
    let masked = f64::from(MASKED_SCORE);
    mask.affine(-masked, masked)?.unsqueeze(1)?.unsqueeze(1)
}

pub(super) fn activate(activation: Activation, states: &Tensor) -> Result<Tensor> {
    match activation {
        Activation::Gelu => states.gelu_erf(),
        Activation::GeluTanh => states.gelu(),
        Activation::Relu => states.relu(),
        Activation::Tanh => states.tanh(),
    }
}

/// Loads a layer norm of `size`. Without a bias it gets one of zeros: Candle computes it as one operation only with a
/// bias.
pub(super) fn layer_norm(
    weights: &VarBuilder<'_>,
    size: usize,
    epsilon: f64,
    bias: bool,
) -> Result<LayerNorm> {
    if bias {
        return candle_nn::layer_norm(size, epsilon, weights.clone());
    }
    let norm = candle_nn::layer_norm_no_bias(size, epsilon, weights.clone())?;
    Ok(LayerNorm::new(norm.weight().clone(), norm.weight().zeros_like()?, epsilon))
}
