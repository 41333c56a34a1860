mod distances;

use candle_core::{Result, Tensor};
use candle_nn::ops::softmax_last_dim;
use candle_nn::{Conv1d, Conv1dConfig, Embedding, LayerNorm, Linear, Module, VarBuilder};

use super::{CandleClassifier, activate, masked, norm};
use crate::architecture::{Activation, Convolution, Deberta, Relative};
use distances::{Between, Distances, nearest_first};

/// DeBERTa's encoder, versions 2 and 3, and head.
///
/// Candle's own has no convolution, computes the positions of each layer anew for each batch, and masks with numbers that
/// half precision does not have.
pub(super) struct CandleDeberta {
    words: Embedding,
    /// Absolute positions and token types, added up, where there are any: `[positions, width]`.
    places: Option<Tensor>,
    project: Option<Linear>,
    norm: LayerNorm,
    layers: Vec<Layer>,
    heads: usize,
    distances: Option<Distances>,
    convolution: Option<Beside>,
    pooler: Linear,
    pooler_activation: Activation,
    output: Linear,
}

struct Layer {
    attention: Attention,
    output: Linear,
    attention_norm: LayerNorm,
    inner: Linear,
    activation: Activation,
    outer: Linear,
    norm: LayerNorm,
}

struct Attention {
    heads: usize,
    query: Linear,
    key: Linear,
    value: Linear,
    /// The keys of positions, at which contents look, and the queries of positions, which look at contents, these divided
    /// by `scale`: `[heads, 2 · span, size]`.
    position_keys: Option<Tensor>,
    position_queries: Option<Tensor>,
    /// What queries are divided by before the product, which half precision might not hold.
    scale: f64,
}

/// The convolution beside the first layer.
struct Beside {
    convolution: Conv1d,
    activation: Activation,
    norm: LayerNorm,
}

impl CandleDeberta {
    pub(super) fn load(weights: &VarBuilder<'_>, model: &Deberta, labels: usize) -> Result<Self> {
        let (hidden, width) = (model.sizes.hidden, model.embedding);
        let (table, encoder) = (weights.pp("deberta.embeddings"), weights.pp("deberta.encoder"));
        let positions =
            model.relative.map(|relative| position_table(&encoder, model, relative)).transpose()?;
        let layers = (0..model.sizes.layers)
            .map(|number| Layer::load(&encoder.pp("layer").pp(number), model, positions.as_ref()));
        let project = || candle_nn::linear_no_bias(width, hidden, table.pp("embed_proj"));
        Ok(Self {
            words: candle_nn::embedding(model.sizes.vocabulary, width, table.pp("word_embeddings"))?,
            places: places(&table, model)?,
            project: (width != hidden).then(project).transpose()?,
            norm: norm(&table.pp("LayerNorm"), hidden, model.epsilon, true)?,
            layers: layers.collect::<Result<_>>()?,
            heads: model.sizes.heads,
            distances: model.relative.map(|relative| Distances::new(relative, weights.device())),
            convolution: model
                .convolution
                .map(|convolution| Beside::load(&encoder.pp("conv"), model, convolution))
                .transpose()?,
            pooler: candle_nn::linear(hidden, hidden, weights.pp("pooler").pp("dense"))?,
            pooler_activation: model.pooler,
            output: candle_nn::linear(hidden, labels, weights.pp("classifier"))?,
        })
    }
}

impl CandleClassifier for CandleDeberta {
    fn forward(&self, ids: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let batch = ids.dims2()?;
        let mut embedded = self.words.forward(ids)?;
        if let Some(places) = &self.places {
            embedded = embedded.broadcast_add(&places.narrow(0, 0, batch.1)?)?;
        }
        if let Some(project) = &self.project {
            embedded = project.forward(&embedded)?;
        }
        // Padding is nought, so that the convolution sees the end of each text where it is.
        let there = mask.unsqueeze(2)?.to_dtype(embedded.dtype())?;
        let embedded = self.norm.forward(&embedded)?.broadcast_mul(&there)?;
        let mask = masked(mask)?.transpose(0, 1)?;
        let between =
            self.distances.as_ref().map(|distances| distances.between(self.heads, batch)).transpose()?;
        let mut states = embedded.clone();
        for (number, layer) in self.layers.iter().enumerate() {
            states = layer.forward(&states, &mask, between.as_ref())?;
            if let Some(beside) = self.convolution.as_ref().filter(|_| number == 0) {
                states = beside.forward(&embedded, &states, &there)?;
            }
        }
        let first = states.narrow(1, 0, 1)?.squeeze(1)?.contiguous()?;
        self.output.forward(&activate(self.pooler_activation, &self.pooler.forward(&first)?)?)
    }
}

/// Absolute positions and token type 0.
fn places(table: &VarBuilder<'_>, model: &Deberta) -> Result<Option<Tensor>> {
    let rows = |name, rows| table.pp(name).get((rows, model.embedding), "weight");
    let positions = model.absolute.then(|| rows("position_embeddings", model.sizes.positions)).transpose()?;
    let types = (model.types > 0).then(|| rows("token_type_embeddings", model.types)).transpose()?;
    let zeroth = types.map(|types| types.narrow(0, 0, 1)).transpose()?;
    match (positions, zeroth) {
        (Some(positions), Some(zeroth)) => Ok(Some(positions.broadcast_add(&zeroth)?)),
        (None, Some(zeroth)) => Ok(Some(zeroth.broadcast_as((model.sizes.positions, model.embedding))?)),
        (positions, None) => Ok(positions),
    }
}

/// The table of relative positions, `[2 · span, hidden]`, the nearest first.
fn position_table(encoder: &VarBuilder<'_>, model: &Deberta, relative: Relative) -> Result<Tensor> {
    let table = encoder.pp("rel_embeddings").get((2 * relative.span(), model.sizes.hidden), "weight")?;
    let table = table.index_select(&nearest_first(relative.span(), encoder.device())?, 0)?;
    if relative.normed {
        norm(&encoder.pp("LayerNorm"), model.sizes.hidden, model.epsilon, true)?.forward(&table)
    } else {
        Ok(table)
    }
}

impl Layer {
    fn load(layer: &VarBuilder<'_>, model: &Deberta, positions: Option<&Tensor>) -> Result<Self> {
        let (hidden, inner) = (model.sizes.hidden, model.sizes.inner);
        let norm = |weights: VarBuilder<'_>| norm(&weights, hidden, model.epsilon, true);
        let attention = layer.pp("attention");
        Ok(Self {
            attention: Attention::load(&attention.pp("self"), model, positions)?,
            output: candle_nn::linear(hidden, hidden, attention.pp("output").pp("dense"))?,
            attention_norm: norm(attention.pp("output").pp("LayerNorm"))?,
            inner: candle_nn::linear(hidden, inner, layer.pp("intermediate").pp("dense"))?,
            activation: model.activation,
            outer: candle_nn::linear(inner, hidden, layer.pp("output").pp("dense"))?,
            norm: norm(layer.pp("output").pp("LayerNorm"))?,
        })
    }

    fn forward(&self, states: &Tensor, mask: &Tensor, between: Option<&Between>) -> Result<Tensor> {
        let attended = self.output.forward(&self.attention.forward(states, mask, between)?)?;
        let states = self.attention_norm.forward(&(attended + states)?)?;
        let inner = activate(self.activation, &self.inner.forward(&states)?)?;
        self.norm.forward(&(self.outer.forward(&inner)? + states)?)
    }
}

impl Attention {
    fn load(weights: &VarBuilder<'_>, model: &Deberta, positions: Option<&Tensor>) -> Result<Self> {
        let (hidden, heads) = (model.sizes.hidden, model.sizes.heads);
        let linear = |name: &str| candle_nn::linear(hidden, hidden, weights.pp(name));
        let (query, key) = (linear("query_proj")?, linear("key_proj")?);
        let shared = model.relative.is_some_and(|relative| relative.shared);
        let project = |looks: bool, own: &str, of_contents: &Linear| -> Result<Option<Tensor>> {
            let Some(positions) = positions.filter(|_| looks) else { return Ok(None) };
            let positions = positions.unsqueeze(0)?;
            let projected =
                if shared { of_contents.forward(&positions)? } else { linear(own)?.forward(&positions)? };
            split_heads(&projected, heads)?.squeeze(1).map(Some)
        };
        let position_queries = project(model.position_to_content, "pos_query_proj", &query)?;
        Ok(Self {
            heads,
            position_keys: project(model.content_to_position, "pos_key_proj", &key)?,
            position_queries: position_queries.map(|queries| queries / model.scale).transpose()?,
            query,
            key,
            value: linear("value_proj")?,
            scale: model.scale,
        })
    }

    /// `mask` is added to the scores, `[1, rows, 1, width]`.
    fn forward(&self, states: &Tensor, mask: &Tensor, between: Option<&Between>) -> Result<Tensor> {
        let heads = |linear: &Linear| split_heads(&linear.forward(states)?, self.heads);
        let (query, key, value) =
            ((heads(&self.query)? / self.scale)?, heads(&self.key)?, heads(&self.value)?);
        let mut scores = query.matmul(&key.t()?)?;
        if let Some(between) = between {
            if let Some(positions) = &self.position_keys {
                scores = (scores + between.seen_by_queries(&query, positions)?)?;
            }
            if let Some(positions) = &self.position_queries {
                scores = (scores + between.seen_by_keys(&key, positions)?)?;
            }
        }
        let scores = scores.to_dtype(mask.dtype())?.broadcast_add(mask)?;
        let attended = softmax_last_dim(&scores)?.to_dtype(value.dtype())?.matmul(&value)?;
        attended.permute((1, 2, 0, 3))?.reshape(states.shape())
    }
}

/// From `[rows, width, hidden]` to `[heads, rows, width, size]`: heads first, since all rows share a head's positions.
fn split_heads(states: &Tensor, heads: usize) -> Result<Tensor> {
    let (rows, width, hidden) = states.dims3()?;
    states.reshape((rows, width, heads, hidden / heads))?.permute((2, 0, 1, 3))?.contiguous()
}

impl Beside {
    fn load(weights: &VarBuilder<'_>, model: &Deberta, convolution: Convolution) -> Result<Self> {
        let Convolution { kernel, groups, activation } = convolution;
        let config = Conv1dConfig { padding: (kernel - 1) / 2, groups, ..Conv1dConfig::default() };
        Ok(Self {
            convolution: candle_nn::conv1d(
                model.sizes.hidden,
                model.sizes.hidden,
                kernel,
                config,
                weights.pp("conv"),
            )?,
            activation,
            norm: norm(&weights.pp("LayerNorm"), model.sizes.hidden, model.epsilon, true)?,
        })
    }

    /// `there` is 1 for tokens and 0 for padding, `[rows, width, 1]`.
    fn forward(&self, embedded: &Tensor, states: &Tensor, there: &Tensor) -> Result<Tensor> {
        let beside = self.convolution.forward(&embedded.transpose(1, 2)?.contiguous()?)?;
        let beside = beside.transpose(1, 2)?.contiguous()?.broadcast_mul(there)?;
        let states = (states + activate(self.activation, &beside)?)?;
        self.norm.forward(&states)?.broadcast_mul(there)
    }
}
