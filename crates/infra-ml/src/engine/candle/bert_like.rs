use candle_core::{Result, Tensor};
use candle_nn::{Embedding, LayerNorm, Linear, Module, VarBuilder};

use super::bert_encoder::BertEncoder;
use super::operations::{CandleClassifier, activate, additive_mask};
use crate::architecture::{Activation, BertLike};

/// BERT's encoder with the heads of its families.
pub(super) struct CandleBertLike {
    word_embeddings: Embedding,
    /// The sums of the position embeddings and the embedding of token type 0, `[positions, width]`.
    position_embeddings: Tensor,
    embedding_norm: LayerNorm,
    /// From the width of the embeddings to the hidden size, where they differ.
    embedding_projection: Option<Linear>,
    encoder: BertEncoder,
    head_dense: Linear,
    head_activation: Activation,
    head_output: Linear,
}

impl CandleBertLike {
    pub(super) fn load(weights: VarBuilder<'_>, model: &BertLike, labels: usize) -> Result<Self> {
        let weights = model.renamed(weights);
        let (sizes, width) = (model.sizes, model.embedding);
        let hidden = sizes.hidden;
        let base = weights.pp("base");
        let embeddings = base.pp("embeddings");
        let positions = embeddings.pp("position_embeddings").get((sizes.positions, width), "weight")?;
        let mut position_embeddings = positions.narrow(0, model.first_position, model.positions())?;
        if model.types > 0 {
            let types = embeddings.pp("token_type_embeddings").get((model.types, width), "weight")?;
            position_embeddings = position_embeddings.broadcast_add(&types.narrow(0, 0, 1)?)?;
        }
        let projection = || candle_nn::linear(width, hidden, base.pp("embeddings_project"));
        Ok(Self {
            word_embeddings: candle_nn::embedding(sizes.vocabulary, width, embeddings.pp("word_embeddings"))?,
            position_embeddings,
            embedding_norm: candle_nn::layer_norm(width, model.epsilon, embeddings.pp("LayerNorm"))?,
            embedding_projection: (width != hidden).then(projection).transpose()?,
            encoder: BertEncoder::load(&base.pp("encoder"), model)?,
            head_dense: candle_nn::linear(hidden, hidden, weights.pp("head").pp("dense"))?,
            head_activation: model.head,
            head_output: candle_nn::linear(hidden, labels, weights.pp("head").pp("output"))?,
        })
    }
}

impl CandleClassifier for CandleBertLike {
    fn forward(&self, ids: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let width = ids.dim(1)?;
        let positions = self.position_embeddings.narrow(0, 0, width)?;
        let embedded = self.word_embeddings.forward(ids)?.broadcast_add(&positions)?;
        let mut embedded = self.embedding_norm.forward(&embedded)?;
        if let Some(projection) = &self.embedding_projection {
            embedded = projection.forward(&embedded)?;
        }
        let encoded = self.encoder.forward(&embedded, &additive_mask(mask)?)?;
        let first = encoded.narrow(1, 0, 1)?.squeeze(1)?.contiguous()?;
        self.head_output.forward(&activate(self.head_activation, &self.head_dense.forward(&first)?)?)
    }
}
