mod relative_positions;

use candle_core::{Result, Tensor};
use candle_nn::{Conv1d, Conv1dConfig, Embedding, LayerNorm, Linear, Module, VarBuilder};

use super::kernels::{Kernels, Norm, Projection};
use super::operations::{CandleClassifier, activate, additive_mask, layer_norm};
use super::post_norm::PostNorm;
use crate::architecture::{Activation, Convolution, Deberta, RelativeAttention};
use relative_positions::{RelativePositionIndex, RelativePositions, Terms, nearest_first};

/// DeBERTa, versions 2 and 3.
///
/// Candle's own has no convolution, computes the projections of the positions for every batch, and masks with numbers
/// that overflow in half precision.
pub(super) struct CandleDeberta {
    word_embeddings: Embedding,
    /// The sums of the absolute position embeddings and the embedding of token type 0, `[positions, width]`; `None`
    /// where the model has neither.
    position_embeddings: Option<Tensor>,
    embedding_projection: Option<Linear>,
    embedding_norm: Norm,
    layers: Vec<Layer>,
    relative_positions: Option<RelativePositions>,
    convolution: Option<ConvLayer>,
    pooler: Projection,
    pooler_activation: Activation,
    output: Projection,
}

struct Layer {
    attention: Attention,
    post_norm: PostNorm,
}

struct Attention {
    heads: usize,
    kernels: Kernels,
    query: Projection,
    key: Projection,
    value: Projection,
    /// The keys of the relative positions for the content-to-position term, `[heads, 2 · span, head_dim]`.
    position_keys: Option<Tensor>,
    /// The queries of the relative positions for the position-to-content term, divided by `scale`, of the same shape.
    position_queries: Option<Tensor>,
    /// The divisor of the scores. The queries are divided by it: undivided products may overflow in half precision.
    scale: f64,
}

/// The convolution parallel to the first layer.
struct ConvLayer {
    convolution: Conv1d,
    activation: Activation,
    norm: LayerNorm,
}

impl CandleDeberta {
    pub(super) fn load(
        weights: &VarBuilder<'_>,
        model: &Deberta,
        labels: usize,
        kernels: Kernels,
    ) -> Result<Self> {
        let (hidden, width) = (model.sizes.hidden, model.embedding);
        let (embeddings, encoder) = (weights.pp("deberta.embeddings"), weights.pp("deberta.encoder"));
        let positions =
            model.relative.map(|relative| relative_embeddings(&encoder, model, relative)).transpose()?;
        let layers = (0..model.sizes.layers)
            .map(|number| Layer::load(&encoder.pp("layer").pp(number), model, positions.as_ref(), kernels));
        let projection = || candle_nn::linear_no_bias(width, hidden, embeddings.pp("embed_proj"));
        Ok(Self {
            word_embeddings: candle_nn::embedding(
                model.sizes.vocabulary,
                width,
                embeddings.pp("word_embeddings"),
            )?,
            position_embeddings: position_embeddings(&embeddings, model)?,
            embedding_projection: (width != hidden).then(projection).transpose()?,
            embedding_norm: Norm::load(&embeddings.pp("LayerNorm"), hidden, model.epsilon, true, kernels)?,
            layers: layers.collect::<Result<_>>()?,
            relative_positions: model
                .relative
                .map(|relative| RelativePositions::new(relative, weights.device())),
            convolution: model
                .convolution
                .map(|convolution| ConvLayer::load(&encoder.pp("conv"), model, convolution))
                .transpose()?,
            pooler: Projection::load(&weights.pp("pooler.dense"), [hidden, hidden], true, kernels)?,
            pooler_activation: model.pooler,
            output: Projection::load(&weights.pp("classifier"), [labels, hidden], true, kernels)?,
        })
    }
}

impl CandleClassifier for CandleDeberta {
    fn forward(&self, ids: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let batch = ids.dims2()?;
        let mut embedded = self.word_embeddings.forward(ids)?;
        if let Some(positions) = &self.position_embeddings {
            embedded = embedded.broadcast_add(&positions.narrow(0, 0, batch.1)?)?;
        }
        if let Some(projection) = &self.embedding_projection {
            embedded = projection.forward(&embedded)?;
        }
        // Padding is zero, as it is beyond the end of a sequence for the convolution.
        let is_token = mask.unsqueeze(2)?.to_dtype(embedded.dtype())?;
        let embedded = self.embedding_norm.forward(&embedded)?.broadcast_mul(&is_token)?;
        let mask = additive_mask(mask)?.transpose(0, 1)?;
        let positions = self.relative_positions.as_ref();
        let index = positions.map(|positions| positions.index(batch.1)).transpose()?;
        let mut states = embedded.clone();
        for (number, layer) in self.layers.iter().enumerate() {
            states = layer.forward(&states, &mask, index.as_ref())?;
            if let Some(convolution) = self.convolution.as_ref().filter(|_| number == 0) {
                states = convolution.forward(&embedded, &states, &is_token)?;
            }
        }
        let first = states.narrow(1, 0, 1)?.squeeze(1)?.contiguous()?;
        self.output.forward(&self.pooler.activate(&first, self.pooler_activation)?)
    }
}

/// Loads the sums of the absolute position embeddings and the embedding of token type 0, `[positions, width]`.
fn position_embeddings(embeddings: &VarBuilder<'_>, model: &Deberta) -> Result<Option<Tensor>> {
    let rows = |name, rows| embeddings.pp(name).get((rows, model.embedding), "weight");
    let positions =
        model.absolute_positions.then(|| rows("position_embeddings", model.sizes.positions)).transpose()?;
    let types = (model.types > 0).then(|| rows("token_type_embeddings", model.types)).transpose()?;
    let type_0 = types.map(|types| types.narrow(0, 0, 1)).transpose()?;
    match (positions, type_0) {
        (Some(positions), Some(type_0)) => Ok(Some(positions.broadcast_add(&type_0)?)),
        (None, Some(type_0)) => Ok(Some(type_0.broadcast_as((model.sizes.positions, model.embedding))?)),
        (positions, None) => Ok(positions),
    }
}

/// Loads the relative position embeddings, `[2 · span, hidden]`, the shortest distances first.
fn relative_embeddings(
    encoder: &VarBuilder<'_>,
    model: &Deberta,
    relative: RelativeAttention,
) -> Result<Tensor> {
    let table = encoder.pp("rel_embeddings").get((2 * relative.span(), model.sizes.hidden), "weight")?;
    let table = table.index_select(&nearest_first(relative.span(), encoder.device())?, 0)?;
    if relative.layer_norm {
        layer_norm(&encoder.pp("LayerNorm"), model.sizes.hidden, model.epsilon, true)?.forward(&table)
    } else {
        Ok(table)
    }
}

impl Layer {
    fn load(
        layer: &VarBuilder<'_>,
        model: &Deberta,
        positions: Option<&Tensor>,
        kernels: Kernels,
    ) -> Result<Self> {
        Ok(Self {
            attention: Attention::load(&layer.pp("attention.self"), model, positions, kernels)?,
            post_norm: PostNorm::load(layer, model.sizes, model.activation, model.epsilon, kernels)?,
        })
    }

    /// Shapes as in [`Attention::forward`].
    fn forward(
        &self,
        states: &Tensor,
        mask: &Tensor,
        index: Option<&RelativePositionIndex>,
    ) -> Result<Tensor> {
        self.post_norm.forward(states, &self.attention.forward(states, mask, index)?)
    }
}

impl Attention {
    fn load(
        weights: &VarBuilder<'_>,
        model: &Deberta,
        positions: Option<&Tensor>,
        kernels: Kernels,
    ) -> Result<Self> {
        let (hidden, heads) = (model.sizes.hidden, model.sizes.heads);
        let linear = |name: &str| Projection::load(&weights.pp(name), [hidden, hidden], true, kernels);
        let (query, key) = (linear("query_proj")?, linear("key_proj")?);
        let shared = model.relative.is_some_and(|relative| relative.shared_projections);
        let project = |is_used: bool, own: &str, of_contents: &Projection| -> Result<Option<Tensor>> {
            let Some(positions) = positions.filter(|_| is_used) else { return Ok(None) };
            let positions = positions.unsqueeze(0)?;
            let projected =
                if shared { of_contents.forward(&positions)? } else { linear(own)?.forward(&positions)? };
            split_heads(&projected, heads)?.squeeze(1).map(Some)
        };
        let position_queries = project(model.position_to_content, "pos_query_proj", &query)?;
        Ok(Self {
            heads,
            kernels,
            position_keys: project(model.content_to_position, "pos_key_proj", &key)?,
            position_queries: position_queries.map(|queries| queries / model.scale).transpose()?,
            query,
            key,
            value: linear("value_proj")?,
            scale: model.scale,
        })
    }

    /// Attends `states`, `[rows, width, hidden]`, to themselves; `mask`, `[1, rows, 1, width]`, is added to the scores.
    fn forward(
        &self,
        states: &Tensor,
        mask: &Tensor,
        index: Option<&RelativePositionIndex>,
    ) -> Result<Tensor> {
        let heads = |linear: &Projection| split_heads(&linear.forward(states)?, self.heads);
        let (query, key, value) =
            ((heads(&self.query)? / self.scale)?, heads(&self.key)?, heads(&self.value)?);
        let scores = query.matmul(&key.t()?)?;
        let weights = match index {
            None => self.kernels.softmax(&scores.to_dtype(mask.dtype())?, mask)?,
            Some(index) => {
                let terms = Terms {
                    content: self
                        .position_keys
                        .as_ref()
                        .map(|keys| index.products(&query, keys))
                        .transpose()?,
                    position: self
                        .position_queries
                        .as_ref()
                        .map(|queries| index.products(&key, queries))
                        .transpose()?,
                };
                index.softmax(self.kernels, &scores, &terms, mask)?
            }
        };
        let attended = weights.to_dtype(value.dtype())?.matmul(&value)?;
        attended.permute((1, 2, 0, 3))?.reshape(states.shape())
    }
}

/// Reshapes `[rows, width, hidden]` to `[heads, rows, width, head_dim]`: heads first, as all rows share a head's
/// positions.
fn split_heads(states: &Tensor, heads: usize) -> Result<Tensor> {
    let (rows, width, hidden) = states.dims3()?;
    states.reshape((rows, width, heads, hidden / heads))?.permute((2, 0, 1, 3))?.contiguous()
}

impl ConvLayer {
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
            norm: layer_norm(&weights.pp("LayerNorm"), model.sizes.hidden, model.epsilon, true)?,
        })
    }

    /// Adds the convolution of the embeddings to the layer's `states`, both `[rows, width, hidden]`; `is_token`,
    /// `[rows, width, 1]`, is 1 for tokens and 0 for padding.
    fn forward(&self, embedded: &Tensor, states: &Tensor, is_token: &Tensor) -> Result<Tensor> {
        let convolved = self.convolution.forward(&embedded.transpose(1, 2)?.contiguous()?)?;
        let convolved = convolved.transpose(1, 2)?.contiguous()?.broadcast_mul(is_token)?;
        let states = (states + activate(self.activation, &convolved)?)?;
        self.norm.forward(&states)?.broadcast_mul(is_token)
    }
}
