use candle_core::{DType, Result};
use candle_nn::VarBuilder;

use super::arch::SimdLevel;
use super::arithmetic::Arithmetic;
use super::classifier::Classifier;
use super::encoder::{EncoderConfig, Layer};
use super::folding::{Folding, Spread};
use super::linear::Linear;
use super::linear_tensors::LinearTensors;
use super::norm::LayerNorm;
use super::word_embeddings::WordEmbeddings;
use crate::architecture::BertLike;

/// How a classifier is packed.
pub(crate) struct Packing {
    pub(crate) level: SimdLevel,
    /// The arithmetic of the encoder; the head computes in `f32`.
    pub(crate) arithmetic: Arithmetic,
    /// The type of the word embeddings, in the file and in memory.
    pub(crate) embedding_dtype: DType,
    /// Whether layer norms are folded into the next linear layers, which is more accurate for models with outliers.
    /// Ignored with `f32` arithmetic.
    pub(crate) fold_norms: bool,
}

impl Packing {
    /// Packs the tensors of `weights`, whose names and shapes have been checked.
    pub(crate) fn pack(
        &self,
        weights: VarBuilder<'_>,
        model: &BertLike,
        labels: usize,
    ) -> Result<Classifier> {
        let weights = model.renamed(weights);
        let (sizes, width) = (model.sizes, model.embedding);
        let hidden = sizes.hidden;
        let base = weights.pp("base");
        let embeddings = base.pp("embeddings");
        let layers = base.pp("encoder").pp("layer");
        let mut embedding_norm = layer_norm(&embeddings.pp("LayerNorm"), width, model.epsilon)?;
        let layers = self.layers(&layers, model, &mut embedding_norm)?;
        let head = weights.pp("head");
        let linear = |part, size| {
            let tensors = LinearTensors::read(&[part], size)?;
            self.linear(Arithmetic::F32, &tensors, 1.0, None)
        };
        let projection = || linear(base.pp("embeddings_project"), [hidden, width]);
        Ok(Classifier {
            config: EncoderConfig {
                level: self.level,
                arithmetic: self.arithmetic,
                hidden,
                intermediate: sizes.intermediate,
                heads: sizes.heads,
                activation: model.activation,
            },
            word_embeddings: WordEmbeddings::load(
                &embeddings.pp("word_embeddings"),
                [sizes.vocabulary, width],
                self.embedding_dtype,
            )?,
            position_embeddings: position_embeddings(&embeddings, model)?,
            embedding_norm,
            embedding_projection: (width != hidden).then(projection).transpose()?,
            layers,
            head_dense: linear(head.pp("dense"), [hidden, hidden])?,
            head_activation: model.head,
            head_output: linear(head.pp("output"), [labels, hidden])?,
        })
    }

    /// Packs the layers of the encoder, and folds the norm before each.
    fn layers(
        &self,
        weights: &VarBuilder<'_>,
        model: &BertLike,
        embedding_norm: &mut LayerNorm,
    ) -> Result<Vec<Layer>> {
        let (layers, hidden) = (model.sizes.layers, model.sizes.hidden);
        let is_projected = model.embedding != hidden;
        let mut spread = (self.folds() && !is_projected).then(|| Spread::even(hidden));
        let mut packed: Vec<Layer> = Vec::with_capacity(layers);
        for number in 0..layers {
            let norm = match packed.last_mut() {
                Some(layer) => Some(&mut layer.ffn_norm),
                None => (!is_projected).then_some(&mut *embedding_norm),
            };
            let input = LayerInput { norm, spread };
            let (layer, output_spread) = self.layer(&weights.pp(number), model, input)?;
            packed.push(layer);
            spread = output_spread;
        }
        Ok(packed)
    }

    fn folds(&self) -> bool {
        self.fold_norms && self.arithmetic == Arithmetic::Int8
    }

    /// Packs a layer, and folds the norm before it. Where norms are folded it also returns the spread of the input of
    /// its last norm.
    fn layer(
        &self,
        weights: &VarBuilder<'_>,
        model: &BertLike,
        input: LayerInput<'_>,
    ) -> Result<(Layer, Option<Spread>)> {
        let tensors = LayerTensors::read(weights, model)?;
        let norm = |name| layer_norm(&weights.pp(name).pp("LayerNorm"), model.sizes.hidden, model.epsilon);
        let (mut attention_norm, ffn_norm) = (norm("attention.output")?, norm("output")?);
        let LayerInput { norm: mut input_norm, spread: input_spread } = input;
        if let (Some(norm), Some(spread)) = (&mut input_norm, &input_spread) {
            norm.folding = Some(fold(norm, spread, &[&tensors.query, &tensors.key_value])?);
        }
        let input_norm = input_norm.as_deref();
        let mut output_spread = None;
        if self.folds() {
            let spread = spread_of_sum(input_norm, &tensors.attention_output)?;
            attention_norm.folding = Some(fold(&attention_norm, &spread, &[&tensors.ffn_in])?);
            output_spread = Some(spread_of_sum(Some(&attention_norm), &tensors.ffn_out)?);
        }
        let linear = |tensors: &LinearTensors, factor, norm: Option<&LayerNorm>| {
            let folding = norm.and_then(|norm| norm.folding.as_ref());
            self.linear(self.arithmetic, tensors, factor, folding)
        };
        let layer = Layer {
            query: linear(&tensors.query, 1.0 / (model.sizes.head_dim() as f32).sqrt(), input_norm)?,
            key_value: linear(&tensors.key_value, 1.0, input_norm)?,
            attention_output: linear(&tensors.attention_output, 1.0, None)?,
            ffn_in: linear(&tensors.ffn_in, 1.0, Some(&attention_norm))?,
            attention_norm,
            ffn_out: linear(&tensors.ffn_out, 1.0, None)?,
            ffn_norm,
        };
        Ok((layer, output_spread))
    }

    fn linear(
        &self,
        arithmetic: Arithmetic,
        tensors: &LinearTensors,
        factor: f32,
        folding: Option<&Folding>,
    ) -> Result<Linear> {
        tensors.with(factor, folding, |weights| Linear::pack(self.level, arithmetic, weights))
    }
}

/// What precedes a layer.
struct LayerInput<'a> {
    /// The norm whose results are the layer's input; `None` where the embeddings are projected.
    norm: Option<&'a mut LayerNorm>,
    /// The spread of the norm's input, where the norm is folded.
    spread: Option<Spread>,
}

/// The linear layers of an encoder layer.
struct LayerTensors {
    query: LinearTensors,
    key_value: LinearTensors,
    attention_output: LinearTensors,
    ffn_in: LinearTensors,
    ffn_out: LinearTensors,
}

impl LayerTensors {
    fn read(layer: &VarBuilder<'_>, model: &BertLike) -> Result<Self> {
        let (hidden, intermediate) = (model.sizes.hidden, model.sizes.intermediate);
        let (attention, square) = (layer.pp("attention"), [hidden, hidden]);
        let [query, key, value] = ["query", "key", "value"].map(|name| attention.pp("self").pp(name));
        Ok(Self {
            query: LinearTensors::read(&[query], square)?,
            key_value: LinearTensors::read(&[key, value], square)?,
            attention_output: LinearTensors::read(&[attention.pp("output").pp("dense")], square)?,
            ffn_in: LinearTensors::read(&[layer.pp("intermediate").pp("dense")], [intermediate, hidden])?,
            ffn_out: LinearTensors::read(&[layer.pp("output").pp("dense")], [hidden, intermediate])?,
        })
    }
}

/// Folds `norm`, whose input has `spread`, into the layers `next`.
fn fold(norm: &LayerNorm, spread: &Spread, next: &[&LinearTensors]) -> Result<Folding> {
    let mut largest = vec![0.0; norm.weight.len()];
    for next in next {
        next.with(1.0, None, |next| next.raise_to_largest(&mut largest))?;
    }
    Ok(Folding::new(norm, spread, &largest))
}

/// The spread of the results of `residual` plus those of `branch`.
fn spread_of_sum(residual: Option<&LayerNorm>, branch: &LinearTensors) -> Result<Spread> {
    branch.with(1.0, None, |branch| Spread::of_sum(residual, branch))
}

/// The sums of the position embeddings, from the first token's on, and the embedding of token type 0:
/// `[positions, width]`.
fn position_embeddings(embeddings: &VarBuilder<'_>, model: &BertLike) -> Result<Vec<f32>> {
    let (rows, width) = (model.sizes.positions, model.embedding);
    let mut positions = tensor(&embeddings.pp("position_embeddings"), "weight", &[rows, width])?;
    positions.drain(..model.first_position.min(rows) * width);
    if model.types > 0 {
        let types = tensor(&embeddings.pp("token_type_embeddings"), "weight", &[model.types, width])?;
        for position in positions.chunks_exact_mut(width) {
            for (number, of_type) in position.iter_mut().zip(&types) {
                *number += of_type;
            }
        }
    }
    Ok(positions)
}

fn layer_norm(weights: &VarBuilder<'_>, width: usize, epsilon: f64) -> Result<LayerNorm> {
    let [weight, bias] = ["weight", "bias"].map(|name| tensor(weights, name, &[width]));
    Ok(LayerNorm { weight: weight?, bias: bias?, epsilon: epsilon as f32, folding: None })
}

/// Reads the tensor `name` of `shape`, flattened.
fn tensor(weights: &VarBuilder<'_>, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
    weights.get(shape, name)?.flatten_all()?.to_vec1()
}
