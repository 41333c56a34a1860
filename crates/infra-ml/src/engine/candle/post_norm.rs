use candle_core::{Result, Tensor};
use candle_nn::{LayerNorm, Linear, Module, VarBuilder};

use super::operations::{activate, layer_norm};
use crate::architecture::{Activation, Sizes};

/// The part of a layer after its attention, in BERT and DeBERTa: the projection of what was attended to and the
/// feed-forward network, each with a residual connection and a layer norm.
pub(super) struct PostNorm {
    attention_output: Linear,
    attention_norm: LayerNorm,
    ffn_in: Linear,
    activation: Activation,
    ffn_out: Linear,
    ffn_norm: LayerNorm,
}

impl PostNorm {
    pub(super) fn load(
        layer: &VarBuilder<'_>,
        sizes: Sizes,
        activation: Activation,
        epsilon: f64,
    ) -> Result<Self> {
        let Sizes { hidden, intermediate, .. } = sizes;
        let norm = |weights: VarBuilder<'_>| layer_norm(&weights, hidden, epsilon, true);
        let (attention, output) = (layer.pp("attention.output"), layer.pp("output"));
        Ok(Self {
            attention_output: candle_nn::linear(hidden, hidden, attention.pp("dense"))?,
            attention_norm: norm(attention.pp("LayerNorm"))?,
            ffn_in: candle_nn::linear(hidden, intermediate, layer.pp("intermediate.dense"))?,
            activation,
            ffn_out: candle_nn::linear(intermediate, hidden, output.pp("dense"))?,
            ffn_norm: norm(output.pp("LayerNorm"))?,
        })
    }

    /// Computes the layer's output from its input `states` and what they `attended` to, all `[rows, width, hidden]`.
    pub(super) fn forward(&self, states: &Tensor, attended: &Tensor) -> Result<Tensor> {
        let states = self.attention_norm.forward(&(self.attention_output.forward(attended)? + states)?)?;
        let intermediate = activate(self.activation, &self.ffn_in.forward(&states)?)?;
        self.ffn_norm.forward(&(self.ffn_out.forward(&intermediate)? + states)?)
    }
}
