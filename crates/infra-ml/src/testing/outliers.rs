use std::ops::Range;

use candle_core::{DType, Tensor};

use super::small_model::Tensors;
use crate::architecture::BertLike;

/// Channels whose values are far larger than those of the others, as in trained RoBERTa and XLM-RoBERTa models.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outlier {
    /// The weights of the layer norms, multiplied.
    NormWeight(f32),
    /// The weights and biases of the layer norms, multiplied, and the weights of the next linear layers divided by the
    /// same, as training compensates a large weight. The residual connection is not compensated.
    CompensatedNorm(f32),
    /// The outputs of the feed-forward networks, multiplied, so that the normalized rows themselves have outliers.
    Output(f32),
}

impl Outlier {
    /// Changes `channels` of the encoder layers `layers` in the tensors of `model`.
    pub(crate) fn plant(
        self,
        tensors: &mut Tensors,
        model: &BertLike,
        layers: Range<usize>,
        channels: &[usize],
    ) {
        for number in layers {
            let layer = format!("base.encoder.layer.{number}");
            match self {
                Self::Output(factor) => {
                    let output = format!("{layer}.output.dense");
                    for part in ["weight", "bias"] {
                        scale(tensors, &model.tensor_name(&format!("{output}.{part}")), 0, channels, factor);
                    }
                }
                Self::NormWeight(factor) => {
                    for (norm, _) in norms(model, number) {
                        scale(tensors, &format!("{norm}.weight"), 0, channels, factor);
                    }
                }
                Self::CompensatedNorm(factor) => {
                    for (norm, next) in norms(model, number) {
                        for part in ["weight", "bias"] {
                            scale(tensors, &format!("{norm}.{part}"), 0, channels, factor);
                        }
                        for next in next {
                            scale(tensors, &format!("{next}.weight"), 1, channels, 1.0 / factor);
                        }
                    }
                }
            }
        }
    }
}

/// The norms whose results are the input of the linear layers of layer `number`, with these linear layers.
fn norms(model: &BertLike, number: usize) -> Vec<(String, Vec<String>)> {
    let layer = format!("base.encoder.layer.{number}");
    let before = match number.checked_sub(1) {
        None => "base.embeddings.LayerNorm".to_owned(),
        Some(before) => format!("base.encoder.layer.{before}.output.LayerNorm"),
    };
    let names = |names: &[String]| names.iter().map(|name| model.tensor_name(name)).collect::<Vec<_>>();
    let query_key_value = ["query", "key", "value"].map(|name| format!("{layer}.attention.self.{name}"));
    let mut norms = vec![(
        model.tensor_name(&format!("{layer}.attention.output.LayerNorm")),
        names(&[format!("{layer}.intermediate.dense")]),
    )];
    // Projected embeddings are not the input of the first layer.
    if number > 0 || model.embedding == model.sizes.hidden {
        norms.push((model.tensor_name(&before), names(&query_key_value)));
    }
    norms
}

/// Multiplies `channels` of the dimension `dimension` of the tensor `name`.
fn scale(tensors: &mut Tensors, name: &str, dimension: usize, channels: &[usize], factor: f32) {
    let tensor = tensors[name].to_dtype(DType::F32).unwrap();
    let mut factors = vec![1.0_f32; tensor.dim(dimension).unwrap()];
    for channel in channels {
        factors[*channel] = factor;
    }
    let mut shape = vec![1; tensor.rank()];
    shape[dimension] = factors.len();
    let factors = Tensor::from_vec(factors, shape, tensor.device()).unwrap();
    tensors.insert(name.to_owned(), tensor.broadcast_mul(&factors).unwrap());
}
