use candle_core::{DType, Result};
use candle_nn::{Init, VarBuilder};

use super::arch::SimdLevel;
use super::arithmetic::Arithmetic;
use super::classifier::Classifier;
use super::encoder::{EncoderConfig, Layer};
use super::linear::Linear;
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
    /// Whether int8 arithmetic quantizes normalized rows before the layer norm's weight and bias, which are folded into
    /// the next linear layers. Ignored with `f32` arithmetic.
    #[expect(dead_code, reason = "packing does not fold yet")]
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
        let layers = (0..sizes.layers).map(|number| self.layer(&layers.pp(number), model));
        let head = weights.pp("head");
        let linear = |part, size| self.linear(Arithmetic::F32, &[part], size, 1.0);
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
            word_embeddings: self.word_embeddings(
                &embeddings.pp("word_embeddings"),
                sizes.vocabulary,
                width,
            )?,
            position_embeddings: position_embeddings(&embeddings, model)?,
            embedding_norm: layer_norm(&embeddings.pp("LayerNorm"), width, model.epsilon)?,
            embedding_projection: (width != hidden).then(projection).transpose()?,
            layers: layers.collect::<Result<_>>()?,
            head_dense: linear(head.pp("dense"), [hidden, hidden])?,
            head_activation: model.head,
            head_output: linear(head.pp("output"), [labels, hidden])?,
        })
    }

    fn layer(&self, layer: &VarBuilder<'_>, model: &BertLike) -> Result<Layer> {
        let (hidden, intermediate) = (model.sizes.hidden, model.sizes.intermediate);
        let attention = layer.pp("attention");
        let [query, key, value] = ["query", "key", "value"].map(|name| attention.pp("self").pp(name));
        let scale = 1.0 / (model.sizes.head_dim() as f32).sqrt();
        let linear =
            |parts: &[VarBuilder<'_>], size, factor| self.linear(self.arithmetic, parts, size, factor);
        Ok(Layer {
            query: linear(&[query], [hidden, hidden], scale)?,
            key_value: linear(&[key, value], [hidden, hidden], 1.0)?,
            attention_output: linear(&[attention.pp("output").pp("dense")], [hidden, hidden], 1.0)?,
            attention_norm: layer_norm(&attention.pp("output").pp("LayerNorm"), hidden, model.epsilon)?,
            ffn_in: linear(&[layer.pp("intermediate").pp("dense")], [intermediate, hidden], 1.0)?,
            ffn_out: linear(&[layer.pp("output").pp("dense")], [hidden, intermediate], 1.0)?,
            ffn_norm: layer_norm(&layer.pp("output").pp("LayerNorm"), hidden, model.epsilon)?,
        })
    }

    /// Packs the layers `parts`, each `[outputs, inputs]`, as one with their outputs side by side.
    fn linear(
        &self,
        arithmetic: Arithmetic,
        parts: &[VarBuilder<'_>],
        [outputs, inputs]: [usize; 2],
        factor: f32,
    ) -> Result<Linear> {
        let (mut weights, mut bias) = (Vec::new(), Vec::new());
        for part in parts {
            weights.extend(tensor(part, "weight", &[outputs, inputs])?);
            bias.extend(tensor(part, "bias", &[outputs])?);
        }
        Ok(Linear::new(self.level, arithmetic, &weights, &bias, factor))
    }

    fn word_embeddings(
        &self,
        weights: &VarBuilder<'_>,
        vocabulary: usize,
        width: usize,
    ) -> Result<WordEmbeddings> {
        let read = |dtype| {
            let table =
                weights.get_with_hints_dtype((vocabulary, width), "weight", Init::Const(0.0), dtype)?;
            table.flatten_all()
        };
        Ok(match self.embedding_dtype {
            DType::F16 => WordEmbeddings::F16 { table: read(DType::F16)?.to_vec1()?, width },
            _ => WordEmbeddings::F32 { table: read(DType::F32)?.to_vec1()?, width },
        })
    }
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
    Ok(LayerNorm { weight: weight?, bias: bias?, epsilon: epsilon as f32 })
}

/// Reads the tensor `name` of `shape`, flattened.
fn tensor(weights: &VarBuilder<'_>, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
    weights.get(shape, name)?.flatten_all()?.to_vec1()
}
