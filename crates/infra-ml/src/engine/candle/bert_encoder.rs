use candle_core::{Result, Tensor};
use candle_nn::ops::softmax_last_dim;
use candle_nn::{Linear, Module, VarBuilder};

use super::kernels::Kernels;
use super::post_norm::PostNorm;
use crate::architecture::BertLike;

/// BERT's encoder. It computes in the type of its weights, except for the softmax of the scores, which is in f32.
pub(super) struct BertEncoder {
    layers: Vec<(Attention, PostNorm)>,
}

struct Attention {
    heads: usize,
    query: Linear,
    key: Linear,
    value: Linear,
    /// The factor of the scores. The queries are multiplied by it: products of full queries may overflow in half
    /// precision.
    scale: f64,
}

impl BertEncoder {
    pub(super) fn load(weights: &VarBuilder<'_>, model: &BertLike) -> Result<Self> {
        let layers = (0..model.sizes.layers).map(|number| {
            let layer = weights.pp("layer").pp(number);
            let attention = Attention::load(&layer.pp("attention.self"), model)?;
            Ok((
                attention,
                PostNorm::load(&layer, model.sizes, model.activation, model.epsilon, Kernels::Candle)?,
            ))
        });
        Ok(Self { layers: layers.collect::<Result<_>>()? })
    }

    /// Encodes the embeddings `states`, `[rows, width, hidden]`; `mask`, `[rows, 1, 1, width]` of f32, is added to the
    /// scores.
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
            scale: (model.sizes.head_dim() as f64).powf(-0.5),
        })
    }

    /// Attends `states` to themselves; shapes as in [`BertEncoder::forward`].
    fn forward(&self, states: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let (rows, width, hidden) = states.dims3()?;
        let split = (rows, width, self.heads, hidden / self.heads);
        let heads = |linear: &Linear| linear.forward(states)?.reshape(split)?.transpose(1, 2)?.contiguous();
        let (query, key, value) =
            ((heads(&self.query)? * self.scale)?, heads(&self.key)?, heads(&self.value)?);
        let scores = query.matmul(&key.t()?)?.to_dtype(mask.dtype())?.broadcast_add(mask)?;
        let attended = softmax_last_dim(&scores)?.to_dtype(value.dtype())?.matmul(&value)?;
        attended.transpose(1, 2)?.reshape((rows, width, hidden))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::super::operations::additive_mask;
    use super::*;

    const HIDDEN: usize = 64;
    const WIDTH: usize = 3;

    /// Attention of one head whose projections change nothing.
    fn identity(dtype: DType) -> Attention {
        let linear = || Linear::new(Tensor::eye(HIDDEN, dtype, &Device::Cpu).unwrap(), None);
        let scale = (HIDDEN as f64).powf(-0.5);
        Attention { heads: 1, query: linear(), key: linear(), value: linear(), scale }
    }

    /// What a row of states of one `value` each attends to, `[width · hidden]`; `tokens` says which are no padding.
    fn attended(dtype: DType, value: f32, tokens: [f32; WIDTH]) -> Vec<f32> {
        let states = Tensor::full(value, (1, WIDTH, HIDDEN), &Device::Cpu).unwrap().to_dtype(dtype).unwrap();
        let mask = Tensor::new(&[tokens], &Device::Cpu).unwrap();
        let attended = identity(dtype).forward(&states, &additive_mask(&mask).unwrap()).unwrap();
        attended.to_dtype(DType::F32).unwrap().flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn a_row_of_padding_alone_is_the_mean_of_its_values_in_every_precision() {
        for dtype in [DType::F32, DType::F16, DType::BF16] {
            let found = attended(dtype, 2.0, [0.0; WIDTH]);
            assert!(found.iter().all(|found| (found - 2.0).abs() < 0.02), "{dtype:?}: {found:?}");
        }
    }

    #[test]
    fn scores_that_overflow_f16_only_before_they_are_scaled_are_numbers() {
        // 64 · 40 · 40 exceeds the largest number of f16, 65,504; an eighth of it does not.
        let found = attended(DType::F16, 40.0, [1.0, 1.0, 0.0]);
        assert!(found.iter().all(|found| (found - 40.0).abs() < 0.1), "{found:?}");
    }
}
