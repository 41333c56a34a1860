use candle_core::{D, Result, Tensor};
use candle_nn::ops::softmax;
use candle_nn::{Linear, Module, VarBuilder};

use super::post_norm::PostNorm;
use crate::architecture::BertLike;

/// BERT's encoder. It computes in the type of its weights, the scores and their softmax included.
pub(super) struct BertEncoder {
    layers: Vec<(Attention, PostNorm)>,
}

struct Attention {
    heads: usize,
    query: Linear,
    key: Linear,
    value: Linear,
    /// The divisor of the scores.
    scale: f64,
}

impl BertEncoder {
    pub(super) fn load(weights: &VarBuilder<'_>, model: &BertLike) -> Result<Self> {
        let layers = (0..model.sizes.layers).map(|number| {
            let layer = weights.pp("layer").pp(number);
            let attention = Attention::load(&layer.pp("attention.self"), model)?;
            Ok((attention, PostNorm::load(&layer, model.sizes, model.activation, model.epsilon)?))
        });
        Ok(Self { layers: layers.collect::<Result<_>>()? })
    }

    /// Encodes the embeddings `states`, `[rows, width, hidden]`; `mask`, `[rows, 1, 1, width]`, is added to the scores.
    pub(super) fn forward(&self, states: &Tensor, mask: &Tensor) -> Result<Tensor> {
        self.layers.iter().try_fold(states.clone(), |states, (attention, post_norm)| {
            post_norm.forward(&states, &attention.forward(&states, mask)?)
        })
    }
}

impl Attention {
    fn load(weights: &VarBuilder<'_>, model: &BertLike) -> Result<Self> {
        let hidden = model.sizes.hidden;
        let linear = |name: &str| candle_nn::linear(hidden, hidden, weights.pp(name));
        Ok(Self {
            heads: model.sizes.heads,
            query: linear("query")?,
            key: linear("key")?,
            value: linear("value")?,
            scale: (model.sizes.head_dim() as f64).sqrt(),
        })
    }

    /// Attends `states` to themselves; shapes as in [`BertEncoder::forward`].
    fn forward(&self, states: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let (rows, width, hidden) = states.dims3()?;
        let split = (rows, width, self.heads, hidden / self.heads);
        let heads = |linear: &Linear| linear.forward(states)?.reshape(split)?.transpose(1, 2)?.contiguous();
        let (query, key, value) = (heads(&self.query)?, heads(&self.key)?, heads(&self.value)?);
        let scores = (query.matmul(&key.t()?)? / self.scale)?.broadcast_add(mask)?;
        let attended = softmax(&scores, D::Minus1)?.matmul(&value)?;
        attended.transpose(1, 2)?.reshape((rows, width, hidden))
    }
}
