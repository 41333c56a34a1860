use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

use super::kernels::{Kernels, Norm, Projection};
use crate::architecture::{Activation, Sizes};

/// The part of a layer after its attention, in BERT and DeBERTa: the projection of what was attended to and the
/// feed-forward network, each with a residual connection and a layer norm.
pub(super) struct PostNorm {
    attention_output: Projection,
    attention_norm: Norm,
    ffn_in: Projection,
    activation: Activation,
    ffn_out: Projection,
    ffn_norm: Norm,
}

impl PostNorm {
    pub(super) fn load(
        layer: &VarBuilder<'_>,
        sizes: Sizes,
        activation: Activation,
        epsilon: f64,
        kernels: Kernels,
    ) -> Result<Self> {
        let Sizes { hidden, intermediate, .. } = sizes;
        let norm = |weights: VarBuilder<'_>| Norm::load(&weights, hidden, epsilon, true, kernels);
        let linear = |weights: VarBuilder<'_>, size| Projection::load(&weights, size, true, kernels);
        let (attention, output) = (layer.pp("attention.output"), layer.pp("output"));
        Ok(Self {
            attention_output: linear(attention.pp("dense"), [hidden, hidden])?,
            attention_norm: norm(attention.pp("LayerNorm"))?,
            ffn_in: linear(layer.pp("intermediate.dense"), [intermediate, hidden])?,
            activation,
            ffn_out: linear(output.pp("dense"), [hidden, intermediate])?,
            ffn_norm: norm(output.pp("LayerNorm"))?,
        })
    }

    /// Computes the layer's output from its input `states` and what they `attended` to, all `[rows, width, hidden]`.
    pub(super) fn forward(&self, states: &Tensor, attended: &Tensor) -> Result<Tensor> {
        let states = self.attention_norm.forward(&self.attention_output.add_to(states, attended)?)?;
        let intermediate = self.ffn_in.activate(&states, self.activation)?;
        self.ffn_norm.forward(&self.ffn_out.add_to(&states, &intermediate)?)
    }
}
