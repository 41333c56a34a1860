use std::ops::Range;

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::rotary_emb::rope;
use candle_nn::{Embedding, Module, VarBuilder};

use super::kernels::{Kernels, Norm, Projection};
use super::operations::{CandleClassifier, MASKED_SCORE, additive_mask};
use crate::architecture::{Activation, Attention, ModernBert, Pooling, Sizes};

/// ModernBERT.
///
/// Candle's own supports neither biases nor the keys of transformers 5, has rotary tables in half precision, and ends
/// in a softmax.
pub(super) struct CandleModernBert {
    word_embeddings: Embedding,
    embedding_norm: Norm,
    layers: Vec<Layer>,
    final_norm: Norm,
    global_rotary: RotaryEmbedding,
    local_rotary: RotaryEmbedding,
    local_window: LocalWindow,
    pooling: Pooling,
    head_dense: Projection,
    head_activation: Activation,
    head_norm: Norm,
    head_output: Projection,
}

struct Layer {
    attention: Attention,
    heads: usize,
    /// `None` in the first layer, whose input is normalized by the embeddings' norm.
    attention_norm: Option<Norm>,
    /// The projections to queries, keys and values as one.
    qkv: Projection,
    attention_output: Projection,
    ffn_norm: Norm,
    /// To the input of the activation and its gate: `2 · intermediate` outputs.
    ffn_in: Projection,
    activation: Activation,
    ffn_out: Projection,
    kernels: Kernels,
}

/// The tables of rotary position embeddings, `[positions, head_dim / 2]` in f32.
struct RotaryEmbedding {
    cos: Tensor,
    sin: Tensor,
}

impl CandleModernBert {
    pub(super) fn load(
        weights: &VarBuilder<'_>,
        model: &ModernBert,
        labels: usize,
        kernels: Kernels,
    ) -> Result<Self> {
        let (Sizes { hidden, intermediate, .. }, biases) = (model.sizes, model.biases);
        let norm =
            |weights: VarBuilder<'_>| Norm::load(&weights, hidden, model.epsilon, biases.norm, kernels);
        let linear = |weights: VarBuilder<'_>, size, bias| Projection::load(&weights, size, bias, kernels);
        let (base, head) = (weights.pp("model"), weights.pp("head"));
        let embeddings = base.pp("embeddings");
        let layers = model.layers.iter().enumerate().map(|(number, attention)| {
            let layer = base.pp("layers").pp(number);
            let weights = layer.pp("attn");
            Ok(Layer {
                attention: *attention,
                heads: model.sizes.heads,
                attention_norm: (number > 0).then(|| norm(layer.pp("attn_norm"))).transpose()?,
                qkv: linear(weights.pp("Wqkv"), [3 * hidden, hidden], biases.attention)?,
                attention_output: linear(weights.pp("Wo"), [hidden, hidden], biases.attention)?,
                ffn_norm: norm(layer.pp("mlp_norm"))?,
                ffn_in: linear(layer.pp("mlp").pp("Wi"), [2 * intermediate, hidden], biases.mlp)?,
                activation: model.activation,
                ffn_out: linear(layer.pp("mlp").pp("Wo"), [hidden, intermediate], biases.mlp)?,
                kernels,
            })
        });
        let rotary = |theta| RotaryEmbedding::new(theta, model, weights.device());
        let [global_rotary, local_rotary] = model.rope_thetas.map(rotary);
        let reach = model.local_reach.min(model.sizes.positions);
        Ok(Self {
            word_embeddings: candle_nn::embedding(
                model.sizes.vocabulary,
                hidden,
                embeddings.pp("tok_embeddings"),
            )?,
            embedding_norm: norm(embeddings.pp("norm"))?,
            layers: layers.collect::<Result<_>>()?,
            final_norm: norm(base.pp("final_norm"))?,
            global_rotary: global_rotary?,
            local_rotary: local_rotary?,
            local_window: LocalWindow::new(reach, weights.device())?,
            pooling: model.pooling,
            head_dense: linear(head.pp("dense"), [hidden, hidden], biases.head)?,
            head_activation: model.head_activation,
            head_norm: norm(head.pp("norm"))?,
            head_output: linear(weights.pp("classifier"), [labels, hidden], true)?,
        })
    }
}

impl CandleClassifier for CandleModernBert {
    fn forward(&self, ids: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let padding = additive_mask(mask)?;
        let (global, local) = (blocks(&padding, None)?, blocks(&padding, Some(&self.local_window))?);
        let mut states = self.embedding_norm.forward(&self.word_embeddings.forward(ids)?)?;
        for layer in &self.layers {
            let (blocks, rotary) = match layer.attention {
                Attention::Global => (&global, &self.global_rotary),
                Attention::Local => (&local, &self.local_rotary),
            };
            states = layer.forward(&states, blocks, rotary)?;
        }
        let states = self.final_norm.forward(&states)?;
        let pooled = match self.pooling {
            Pooling::Cls => states.narrow(1, 0, 1)?.squeeze(1)?.contiguous()?,
            Pooling::Mean => {
                let summed = states.to_dtype(DType::F32)?.broadcast_mul(&mask.unsqueeze(2)?)?.sum(1)?;
                summed.broadcast_div(&mask.sum_keepdim(1)?)?.to_dtype(states.dtype())?
            }
        };
        let dense = self.head_dense.activate(&pooled, self.head_activation)?;
        self.head_output.forward(&self.head_norm.forward(&dense)?)
    }
}

impl Layer {
    /// Computes the layer for `states`, `[rows, width, hidden]`.
    fn forward(&self, states: &Tensor, blocks: &[Block], rotary: &RotaryEmbedding) -> Result<Tensor> {
        let normalized = self.attention_norm.as_ref().map(|norm| norm.forward(states)).transpose()?;
        let attended = self.attend(normalized.as_ref().unwrap_or(states), blocks, rotary)?;
        let states = self.attention_output.add_to(states, &attended)?;
        let intermediate = self.ffn_in.forward(&self.ffn_norm.forward(&states)?)?;
        self.ffn_out.add_to(&states, &self.kernels.gate(self.activation, &intermediate)?)
    }

    /// Attends `states` to themselves.
    fn attend(&self, states: &Tensor, blocks: &[Block], rotary: &RotaryEmbedding) -> Result<Tensor> {
        let (rows, width, hidden) = states.dims3()?;
        let head_dim = hidden / self.heads;
        let qkv = self.qkv.forward(states)?.reshape((rows, width, 3, self.heads, head_dim))?;
        // [3, rows, heads, width, head_dim]
        let qkv = qkv.permute((2, 0, 3, 1, 4))?;
        let [query, key] = [0, 1].map(|part| rotary.apply(&qkv.get(part)?));
        // Scaled before the product, which may overflow in half precision.
        let query = (query? * (head_dim as f64).powf(-0.5))?;
        let (key, value) = (key?, qkv.get(2)?.contiguous()?);
        let attended = blocks.iter().map(|Block { queries, keys, mask }| {
            let part = |states: &Tensor, range: &Range<usize>| states.narrow(2, range.start, range.len());
            let scores = part(&query, queries)?.matmul(&part(&key, keys)?.t()?)?;
            let weights = self.kernels.softmax(&scores.to_dtype(DType::F32)?, mask)?;
            weights.to_dtype(value.dtype())?.matmul(&part(&value, keys)?)
        });
        let attended = Tensor::cat(&attended.collect::<Result<Vec<_>>>()?, 2)?;
        attended.transpose(1, 2)?.reshape((rows, width, hidden))
    }
}

impl RotaryEmbedding {
    fn new(theta: f64, model: &ModernBert, device: &Device) -> Result<Self> {
        let head_dim = model.sizes.head_dim();
        let frequency = |dim: usize| 1.0 / theta.powf(dim as f64 / head_dim as f64) as f32;
        let frequencies: Vec<f32> = (0..head_dim).step_by(2).map(frequency).collect();
        let angles: Vec<f32> = (0..model.sizes.positions)
            .flat_map(|position| frequencies.iter().map(move |frequency| position as f32 * frequency))
            .collect();
        let angles = Tensor::from_vec(angles, (model.sizes.positions, head_dim / 2), device)?;
        Ok(Self { cos: angles.cos()?, sin: angles.sin()? })
    }

    /// Rotates `states`, `[rows, heads, width, head_dim]`, by their positions.
    fn apply(&self, states: &Tensor) -> Result<Tensor> {
        let rotated = rope(&states.to_dtype(DType::F32)?.contiguous()?, &self.cos, &self.sin)?;
        rotated.to_dtype(states.dtype())
    }
}

/// Consecutive queries, the keys that they attend to, and the mask that is added to their scores,
/// `[rows, 1, queries or 1, keys]`.
struct Block {
    queries: Range<usize>,
    keys: Range<usize>,
    mask: Tensor,
}

/// The queries of a block: the scores of all queries at once would need memory quadratic in the length of a text.
const BLOCK_TOKENS: usize = 256;

/// The sliding window of local attention.
struct LocalWindow {
    /// The neighbors on each side that a token attends to.
    reach: usize,
    /// The mask of a block, `[BLOCK_TOKENS, reach + BLOCK_TOKENS + reach]`: 0 for keys within the query's window, else
    /// [`MASKED_SCORE`].
    band: Tensor,
}

impl LocalWindow {
    fn new(reach: usize, device: &Device) -> Result<Self> {
        let keys = BLOCK_TOKENS + 2 * reach;
        let row = |query: usize| {
            (0..keys).map(move |key| if key.abs_diff(query + reach) > reach { MASKED_SCORE } else { 0.0 })
        };
        let band: Vec<f32> = (0..BLOCK_TOKENS).flat_map(row).collect();
        Ok(Self { reach, band: Tensor::from_vec(band, (BLOCK_TOKENS, keys), device)? })
    }
}

/// Splits the queries into blocks, of global attention or within a `window`. `padding`, `[rows, 1, 1, width]`, is added
/// to the scores.
fn blocks(padding: &Tensor, window: Option<&LocalWindow>) -> Result<Vec<Block>> {
    let width = padding.dim(3)?;
    // In a short text all tokens are within one another's window.
    let window = window.filter(|window| width > window.reach + 1);
    let block = |start: usize| {
        let queries = start..width.min(start + BLOCK_TOKENS);
        let Some(LocalWindow { reach, band }) = window else {
            return Ok(Block { queries, keys: 0..width, mask: padding.clone() });
        };
        let keys = start.saturating_sub(*reach)..width.min(queries.end + reach);
        let padding = padding.narrow(3, keys.start, keys.len())?;
        let outside = band.narrow(0, 0, queries.len())?.narrow(1, keys.start + reach - start, keys.len())?;
        // The minimum, not the sum: that would be infinite, and a row of infinities gives NaN.
        Ok(Block { mask: padding.broadcast_minimum(&outside)?, queries, keys })
    };
    (0..width).step_by(BLOCK_TOKENS).map(block).collect()
}
