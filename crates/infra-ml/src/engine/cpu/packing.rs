use candle_core::{DType, Result};
use candle_nn::{Init, VarBuilder};
use candle_transformers::models::bert::{Config, HiddenAct};

use super::arch::Level;
use super::classifier::Classifier;
use super::encoder::{Layer, Shape};
use super::linear::{Arithmetic, Linear};
use super::norm::LayerNorm;
use super::words::Words;
use crate::architecture::{Activation, BertLike};

/// How a classifier is packed.
pub(crate) struct Packing {
    pub(crate) level: Level,
    /// That of the encoder; the head is in `f32` always.
    pub(crate) arithmetic: Arithmetic,
    /// The type that the file has the vocabulary's embeddings in, and in which they are kept: they are most of a small
    /// model, and only read.
    pub(crate) words: DType,
}

impl Packing {
    /// Packs the tensors of `weights`, of which names and shapes have been checked.
    pub(crate) fn pack(
        &self,
        weights: VarBuilder<'_>,
        model: &BertLike,
        labels: usize,
    ) -> Result<Classifier> {
        let weights = model.renamed(weights);
        let (config, width) = (&model.encoder, model.embedding);
        let hidden = config.hidden_size;
        let base = weights.pp("base");
        let table = base.pp("embeddings");
        let layers = base.pp("encoder").pp("layer");
        let layers = (0..config.num_hidden_layers).map(|number| self.layer(&layers.pp(number), config));
        let head = weights.pp("head");
        let linear = |part, size| self.linear(Arithmetic::F32, &[part], size, 1.0);
        let project = || linear(base.pp("embeddings_project"), [hidden, width]);
        Ok(Classifier {
            shape: Shape {
                level: self.level,
                arithmetic: self.arithmetic,
                hidden,
                inner: config.intermediate_size,
                heads: config.num_attention_heads,
                activation: match config.hidden_act {
                    HiddenAct::Gelu => Activation::Gelu,
                    HiddenAct::GeluApproximate => Activation::GeluTanh,
                    HiddenAct::Relu => Activation::Relu,
                },
            },
            words: self.words(&table.pp("word_embeddings"), config.vocab_size, width)?,
            places: places(&table, model)?,
            norm: norm(&table.pp("LayerNorm"), width, config)?,
            project: (width != hidden).then(project).transpose()?,
            layers: layers.collect::<Result<_>>()?,
            dense: linear(head.pp("dense"), [hidden, hidden])?,
            activation: model.head,
            output: linear(head.pp("output"), [labels, hidden])?,
        })
    }

    fn layer(&self, layer: &VarBuilder<'_>, config: &Config) -> Result<Layer> {
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let attention = layer.pp("attention");
        let [query, key, value] = ["query", "key", "value"].map(|name| attention.pp("self").pp(name));
        let scale = 1.0 / ((hidden / config.num_attention_heads) as f32).sqrt();
        let linear =
            |parts: &[VarBuilder<'_>], size, factor| self.linear(self.arithmetic, parts, size, factor);
        Ok(Layer {
            query: linear(&[query], [hidden, hidden], scale)?,
            memory: linear(&[key, value], [hidden, hidden], 1.0)?,
            output: linear(&[attention.pp("output").pp("dense")], [hidden, hidden], 1.0)?,
            attention_norm: norm(&attention.pp("output").pp("LayerNorm"), hidden, config)?,
            inner: linear(&[layer.pp("intermediate").pp("dense")], [inner, hidden], 1.0)?,
            outer: linear(&[layer.pp("output").pp("dense")], [hidden, inner], 1.0)?,
            norm: norm(&layer.pp("output").pp("LayerNorm"), hidden, config)?,
        })
    }

    /// The layers `parts` side by side as one, each of `[outputs, inputs]`.
    fn linear(
        &self,
        arithmetic: Arithmetic,
        parts: &[VarBuilder<'_>],
        [outputs, inputs]: [usize; 2],
        factor: f32,
    ) -> Result<Linear> {
        let (mut weights, mut bias) = (Vec::new(), Vec::new());
        for part in parts {
            weights.extend(numbers(part, "weight", &[outputs, inputs])?);
            bias.extend(numbers(part, "bias", &[outputs])?);
        }
        Ok(Linear::new(self.level, arithmetic, &weights, &bias, factor))
    }

    fn words(&self, weights: &VarBuilder<'_>, vocabulary: usize, width: usize) -> Result<Words> {
        let read = |dtype| {
            let table =
                weights.get_with_hints_dtype((vocabulary, width), "weight", Init::Const(0.0), dtype)?;
            table.flatten_all()
        };
        Ok(match self.words {
            DType::F16 => Words::F16 { table: read(DType::F16)?.to_vec1()?, width },
            _ => Words::F32 { table: read(DType::F32)?.to_vec1()?, width },
        })
    }
}

/// Position and token type embeddings, added up, from the row of the first token on: `[positions][width]`.
fn places(table: &VarBuilder<'_>, model: &BertLike) -> Result<Vec<f32>> {
    let (config, width) = (&model.encoder, model.embedding);
    let rows = config.max_position_embeddings;
    let mut places = numbers(&table.pp("position_embeddings"), "weight", &[rows, width])?;
    places.drain(..model.first_position.min(rows) * width);
    if model.has_types {
        let types = numbers(&table.pp("token_type_embeddings"), "weight", &[config.type_vocab_size, width])?;
        for row in places.chunks_exact_mut(width) {
            for (place, of_type) in row.iter_mut().zip(&types) {
                *place += of_type;
            }
        }
    }
    Ok(places)
}

/// Old checkpoints call the weight `gamma` and the bias `beta`.
fn norm(weights: &VarBuilder<'_>, width: usize, config: &Config) -> Result<LayerNorm> {
    let [weight, bias] = [("weight", "gamma"), ("bias", "beta")].map(|(new, old)| {
        let name = if weights.contains_tensor(new) { new } else { old };
        numbers(weights, name, &[width])
    });
    Ok(LayerNorm { weight: weight?, bias: bias?, epsilon: config.layer_norm_eps as f32 })
}

fn numbers(weights: &VarBuilder<'_>, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
    weights.get(shape, name)?.flatten_all()?.to_vec1()
}
