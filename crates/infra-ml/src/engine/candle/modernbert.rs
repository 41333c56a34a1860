use std::ops::Range;

use candle_core::{D, DType, Device, Result, Tensor};
use candle_nn::ops::softmax_last_dim;
use candle_nn::rotary_emb::rope;
use candle_nn::{Embedding, LayerNorm, Linear, Module, VarBuilder};

use super::{CandleClassifier, MASKED, activate, masked, norm};
use crate::architecture::{Activation, ModernBert, Pooling, Reach};

/// ModernBERT's encoder and head.
///
/// Candle's own reads neither biases nor the keys that transformers 5 writes, has rotary tables of half precision, and ends
/// in a softmax.
pub(super) struct CandleModernBert {
    words: Embedding,
    norm: LayerNorm,
    layers: Vec<Layer>,
    final_norm: LayerNorm,
    /// Where layers look far, and where near.
    rotations: [Rotation; 2],
    window: Window,
    dense: Linear,
    activation: Activation,
    head_norm: LayerNorm,
    pooling: Pooling,
    output: Linear,
}

struct Layer {
    reach: Reach,
    heads: usize,
    /// None in the first layer, whose states are normed already.
    attention_norm: Option<LayerNorm>,
    qkv: Linear,
    output: Linear,
    inner_norm: LayerNorm,
    inner: Linear,
    activation: Activation,
    outer: Linear,
}

/// The cosines and sines of rotary positions, `[positions, size / 2]` in f32.
struct Rotation {
    cos: Tensor,
    sin: Tensor,
}

impl CandleModernBert {
    pub(super) fn load(weights: &VarBuilder<'_>, model: &ModernBert, labels: usize) -> Result<Self> {
        let (hidden, biases) = (model.sizes.hidden, model.biases);
        let norm = |weights: VarBuilder<'_>| norm(&weights, hidden, model.epsilon, biases.norm);
        let (base, head) = (weights.pp("model"), weights.pp("head"));
        let table = base.pp("embeddings");
        let layers = model.layers.iter().enumerate().map(|(number, reach)| {
            let layer = base.pp("layers").pp(number);
            let attention = layer.pp("attn");
            Ok(Layer {
                reach: *reach,
                heads: model.sizes.heads,
                attention_norm: (number > 0).then(|| norm(layer.pp("attn_norm"))).transpose()?,
                qkv: candle_nn::linear_b(hidden, 3 * hidden, biases.attention, attention.pp("Wqkv"))?,
                output: candle_nn::linear_b(hidden, hidden, biases.attention, attention.pp("Wo"))?,
                inner_norm: norm(layer.pp("mlp_norm"))?,
                inner: candle_nn::linear_b(
                    hidden,
                    2 * model.sizes.inner,
                    biases.inner,
                    layer.pp("mlp").pp("Wi"),
                )?,
                activation: model.activation,
                outer: candle_nn::linear_b(
                    model.sizes.inner,
                    hidden,
                    biases.inner,
                    layer.pp("mlp").pp("Wo"),
                )?,
            })
        });
        let [far, near] = model.thetas.map(|theta| Rotation::new(theta, model, weights.device()));
        Ok(Self {
            words: candle_nn::embedding(model.sizes.vocabulary, hidden, table.pp("tok_embeddings"))?,
            norm: norm(table.pp("norm"))?,
            layers: layers.collect::<Result<_>>()?,
            final_norm: norm(base.pp("final_norm"))?,
            rotations: [far?, near?],
            window: Window::new(model.near.min(model.sizes.positions), weights.device())?,
            dense: candle_nn::linear_b(hidden, hidden, biases.head, head.pp("dense"))?,
            activation: model.head_activation,
            head_norm: norm(head.pp("norm"))?,
            pooling: model.pooling,
            output: candle_nn::linear(hidden, labels, weights.pp("classifier"))?,
        })
    }
}

impl CandleClassifier for CandleModernBert {
    fn forward(&self, ids: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let padding = masked(mask)?;
        let (far, near) = (blocks(&padding, None)?, blocks(&padding, Some(&self.window))?);
        let mut states = self.norm.forward(&self.words.forward(ids)?)?;
        for layer in &self.layers {
            let (blocks, rotation) = match layer.reach {
                Reach::Far => (&far, &self.rotations[0]),
                Reach::Near => (&near, &self.rotations[1]),
            };
            states = layer.forward(&states, blocks, rotation)?;
        }
        let states = self.final_norm.forward(&states)?;
        let pooled = match self.pooling {
            Pooling::Cls => states.narrow(1, 0, 1)?.squeeze(1)?.contiguous()?,
            Pooling::Mean => {
                let summed = states.to_dtype(DType::F32)?.broadcast_mul(&mask.unsqueeze(2)?)?.sum(1)?;
                summed.broadcast_div(&mask.sum_keepdim(1)?)?.to_dtype(states.dtype())?
            }
        };
        let head = self.head_norm.forward(&activate(self.activation, &self.dense.forward(&pooled)?)?)?;
        self.output.forward(&head)
    }
}

impl Layer {
    fn forward(&self, states: &Tensor, blocks: &[Block], rotation: &Rotation) -> Result<Tensor> {
        let normed = self.attention_norm.as_ref().map(|norm| norm.forward(states)).transpose()?;
        let states = (states + self.attend(normed.as_ref().unwrap_or(states), blocks, rotation)?)?;
        let inner = self.inner.forward(&self.inner_norm.forward(&states)?)?;
        let halves = inner.chunk(2, D::Minus1)?;
        let gated = (activate(self.activation, &halves[0].contiguous()?)? * &halves[1])?;
        states + self.outer.forward(&gated)?
    }

    fn attend(&self, states: &Tensor, blocks: &[Block], rotation: &Rotation) -> Result<Tensor> {
        let (rows, width, hidden) = states.dims3()?;
        let size = hidden / self.heads;
        let parts = self.qkv.forward(states)?.reshape((rows, width, 3, self.heads, size))?;
        // [3, rows, heads, width, size]
        let parts = parts.permute((2, 0, 3, 1, 4))?;
        let [query, key] = [0, 1].map(|part| rotation.turn(&parts.get(part)?));
        // Scaled before the product, which half precision might not hold.
        let query = (query? * (size as f64).powf(-0.5))?;
        let (key, value) = (key?, parts.get(2)?.contiguous()?);
        let attended = blocks.iter().map(|Block { queries, keys, mask }| {
            let part = |states: &Tensor, range: &Range<usize>| states.narrow(2, range.start, range.len());
            let scores = part(&query, queries)?.matmul(&part(&key, keys)?.t()?)?;
            let shares = softmax_last_dim(&scores.to_dtype(DType::F32)?.broadcast_add(mask)?)?;
            shares.to_dtype(value.dtype())?.matmul(&part(&value, keys)?)
        });
        let attended = Tensor::cat(&attended.collect::<Result<Vec<_>>>()?, 2)?;
        self.output.forward(&attended.transpose(1, 2)?.reshape((rows, width, hidden))?)
    }
}

impl Rotation {
    fn new(theta: f64, model: &ModernBert, device: &Device) -> Result<Self> {
        let size = model.sizes.hidden / model.sizes.heads;
        let frequencies: Vec<f32> =
            (0..size).step_by(2).map(|place| 1.0 / theta.powf(place as f64 / size as f64) as f32).collect();
        let angles: Vec<f32> = (0..model.sizes.positions)
            .flat_map(|position| frequencies.iter().map(move |frequency| position as f32 * frequency))
            .collect();
        let angles = Tensor::from_vec(angles, (model.sizes.positions, size / 2), device)?;
        Ok(Self { cos: angles.cos()?, sin: angles.sin()? })
    }

    /// Turns `[rows, heads, width, size]` by the positions.
    fn turn(&self, states: &Tensor) -> Result<Tensor> {
        let turned = rope(&states.to_dtype(DType::F32)?.contiguous()?, &self.cos, &self.sin)?;
        turned.to_dtype(states.dtype())
    }
}

/// Tokens that look together, at what, and what is added to their scores: `[rows, 1, queries or 1, keys]`.
struct Block {
    queries: Range<usize>,
    keys: Range<usize>,
    mask: Tensor,
}

/// The tokens of a block: the scores of all with all would need memory by the square of a long text.
const BLOCK: usize = 256;

/// What a layer that looks near sees.
struct Window {
    /// The tokens before and behind one that it sees.
    near: usize,
    /// What is added to the scores of a block's tokens with all that any of them sees: 0, or [`MASKED`] where one is beyond
    /// the other's window. `[BLOCK, near + BLOCK + near]`.
    band: Tensor,
}

impl Window {
    fn new(near: usize, device: &Device) -> Result<Self> {
        let keys = BLOCK + 2 * near;
        let row = |query: usize| {
            (0..keys).map(move |key| if key.abs_diff(query + near) > near { MASKED } else { 0.0 })
        };
        let band: Vec<f32> = (0..BLOCK).flat_map(row).collect();
        Ok(Self { near, band: Tensor::from_vec(band, (BLOCK, keys), device)? })
    }
}

/// The blocks of all tokens, of which each sees all others or a `window`. `padding` is added to the scores,
/// `[rows, 1, 1, width]`.
fn blocks(padding: &Tensor, window: Option<&Window>) -> Result<Vec<Block>> {
    let width = padding.dim(3)?;
    // All tokens of a short text are near one another.
    let window = window.filter(|window| width > window.near + 1);
    let block = |start: usize| {
        let queries = start..width.min(start + BLOCK);
        let Some(Window { near, band }) = window else {
            return Ok(Block { queries, keys: 0..width, mask: padding.clone() });
        };
        let keys = start.saturating_sub(*near)..width.min(queries.end + near);
        let padding = padding.narrow(3, keys.start, keys.len())?;
        let beyond = band.narrow(0, 0, queries.len())?.narrow(1, keys.start + near - start, keys.len())?;
        // Of two masks the stronger: their sum would be infinite, and a row of such is no number.
        Ok(Block { mask: padding.broadcast_minimum(&beyond)?, queries, keys })
    };
    (0..width).step_by(BLOCK).map(block).collect()
}
