use candle_core::{DType, Result, Tensor};
use candle_nn::{Embedding, LayerNorm, Linear, Module, VarBuilder};
use candle_transformers::models::bert::BertEncoder;

use super::{CandleClassifier, activate};
use crate::architecture::{Activation, BertLike};

/// BERT's encoder and its relatives' heads.
///
/// The encoder is Candle's; embeddings, mask and head are ours. Candle's own `BertModel` cannot be used for 16-bit
/// arithmetic: it multiplies the mask by `f32::MIN`, which is minus infinity there, and 0 times that is NaN.
pub(super) struct CandleBertLike {
    words: Embedding,
    /// Position and token type embeddings, added up: `[positions, width]`. Every token is of type 0.
    places: Tensor,
    norm: LayerNorm,
    /// From the width of the embeddings to the encoder's.
    project: Option<Linear>,
    encoder: BertEncoder,
    dense: Linear,
    activation: Activation,
    output: Linear,
    dtype: DType,
}

impl CandleBertLike {
    pub(super) fn load(weights: VarBuilder<'_>, model: &BertLike, labels: usize) -> Result<Self> {
        let dtype = weights.dtype();
        let weights = model.renamed(weights);
        let (config, width) = (&model.encoder, model.embedding);
        let (hidden, rows) = (config.hidden_size, config.max_position_embeddings);
        let base = weights.pp("base");
        let table = base.pp("embeddings");
        let positions = table.pp("position_embeddings").get((rows, width), "weight")?;
        let mut places = positions.narrow(0, model.first_position, model.positions())?;
        if model.has_types {
            let types = table.pp("token_type_embeddings").get((config.type_vocab_size, width), "weight")?;
            places = places.broadcast_add(&types.narrow(0, 0, 1)?)?;
        }
        let project = || candle_nn::linear(width, hidden, base.pp("embeddings_project"));
        Ok(Self {
            words: candle_nn::embedding(config.vocab_size, width, table.pp("word_embeddings"))?,
            places,
            norm: candle_nn::layer_norm(width, config.layer_norm_eps, table.pp("LayerNorm"))?,
            project: (width != hidden).then(project).transpose()?,
            encoder: BertEncoder::load(base.pp("encoder"), config)?,
            dense: candle_nn::linear(hidden, hidden, weights.pp("head").pp("dense"))?,
            activation: model.head,
            output: candle_nn::linear(hidden, labels, weights.pp("head").pp("output"))?,
            dtype,
        })
    }
}

impl CandleClassifier for CandleBertLike {
    fn forward(&self, ids: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let width = ids.dim(1)?;
        let places = self.places.narrow(0, 0, width)?;
        let mut embedded = self.norm.forward(&self.words.forward(ids)?.broadcast_add(&places)?)?;
        if let Some(project) = &self.project {
            embedded = project.forward(&embedded)?;
        }
        let least = least(self.dtype);
        let mask = mask.affine(-least, least)?.to_dtype(self.dtype)?.unsqueeze(1)?.unsqueeze(1)?;
        let encoded = self.encoder.forward(&embedded, &mask)?;
        let first = encoded.narrow(1, 0, 1)?.squeeze(1)?.contiguous()?;
        self.output.forward(&activate(self.activation, &self.dense.forward(&first)?)?)
    }
}

/// [`MASKED`](super::MASKED) in the encoder's own arithmetic, in which it must be finite too.
fn least(dtype: DType) -> f64 {
    if dtype == DType::F16 { -65_504.0 } else { f64::from(super::MASKED) }
}
