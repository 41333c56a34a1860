use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{Embedding, LayerNorm, Linear, Module, VarBuilder};
use candle_transformers::models::bert::{BertEncoder, Config};

use crate::engine::{Cores, Engine, EngineError, TokenBatch};

/// `BertForSequenceClassification` in Candle's operations, on the CPU or on CUDA.
///
/// The encoder is Candle's; embeddings, mask, pooler and head are ours. Candle's own `BertModel` cannot be used
/// for 16-bit arithmetic: it multiplies the mask by `f32::MIN`, which is minus infinity there, and 0 times that is
/// NaN.
pub(crate) struct CandleEngine {
    words: Embedding,
    /// Position and token type embeddings, added up: `[positions, hidden]`. Every token is of type 0.
    places: Tensor,
    norm: LayerNorm,
    encoder: BertEncoder,
    pooler: Linear,
    classifier: Linear,
    device: Device,
    dtype: DType,
}

/// The share of padding above which a group of sequences is closed and the next begins.
const MOST_PADDING: f64 = 0.125;

impl CandleEngine {
    /// Takes the tensors out of `weights`, which has checked names and shapes already.
    pub(crate) fn load(weights: &VarBuilder<'_>, config: &Config, labels: usize) -> Result<Self> {
        let (device, dtype) = (weights.device().clone(), weights.dtype());
        let hidden = config.hidden_size;
        let bert = weights.pp("bert");
        let table = bert.pp("embeddings");
        let positions =
            table.pp("position_embeddings").get((config.max_position_embeddings, hidden), "weight")?;
        let types = table.pp("token_type_embeddings").get((config.type_vocab_size, hidden), "weight")?;
        Ok(Self {
            words: candle_nn::embedding(config.vocab_size, hidden, table.pp("word_embeddings"))?,
            places: positions.broadcast_add(&types.narrow(0, 0, 1)?)?,
            norm: candle_nn::layer_norm(hidden, config.layer_norm_eps, table.pp("LayerNorm"))?,
            encoder: BertEncoder::load(bert.pp("encoder"), config)?,
            pooler: candle_nn::linear(hidden, hidden, bert.pp("pooler").pp("dense"))?,
            classifier: candle_nn::linear(hidden, labels, weights.pp("classifier"))?,
            device,
            dtype,
        })
    }

    /// The logits of sequences of about the same length, padded to the longest: `[sequences][labels]`.
    fn forward_padded(&self, group: &[&[u32]]) -> Result<Vec<Vec<f32>>> {
        let rows = group.len();
        let width = group.iter().map(|ids| ids.len()).max().unwrap_or(0);
        let mut ids = Vec::with_capacity(rows * width);
        let mut mask = Vec::with_capacity(rows * width);
        for sequence in group {
            ids.extend_from_slice(sequence);
            ids.resize(ids.len() + width - sequence.len(), 0);
            mask.resize(mask.len() + sequence.len(), 0.0_f32);
            mask.resize(ids.len(), masked(self.dtype));
        }
        let ids = Tensor::from_vec(ids, (rows, width), &self.device)?;
        let mask = Tensor::from_vec(mask, (rows, 1, 1, width), &self.device)?.to_dtype(self.dtype)?;
        let places = self.places.narrow(0, 0, width)?;
        let embedded = self.norm.forward(&self.words.forward(&ids)?.broadcast_add(&places)?)?;
        let encoded = self.encoder.forward(&embedded, &mask)?;
        let first = encoded.narrow(1, 0, 1)?.squeeze(1)?.contiguous()?;
        let pooled = self.pooler.forward(&first)?.tanh()?;
        self.classifier.forward(&pooled)?.to_dtype(DType::F32)?.to_vec2()
    }
}

impl Engine for CandleEngine {
    fn forward(
        &mut self,
        batch: &TokenBatch,
        _cores: Cores,
    ) -> std::result::Result<Vec<Vec<f32>>, EngineError> {
        let sequences: Vec<&[u32]> = batch.sequences().collect();
        let mut logits = Vec::with_capacity(sequences.len());
        for group in groups_of_like_length(&sequences) {
            logits.extend(self.forward_padded(group)?);
        }
        Ok(logits)
    }

    /// As many as there may be: a device is kept busy by large batches.
    fn batch_tokens(&self) -> usize {
        usize::MAX
    }
}

/// What is added to the attention scores of padding: finite, so that 16-bit sums stay numbers, and far below any
/// score, so that its exponential is 0.
fn masked(dtype: DType) -> f32 {
    if dtype == DType::F16 { -65_504.0 } else { -3.0e38 }
}

/// Splits `sequences` into runs of neighbours that need little padding when each run is as wide as its longest.
/// The scheduler has sorted them by length, so that neighbours are alike.
fn groups_of_like_length<'a, 'b>(sequences: &'a [&'b [u32]]) -> impl Iterator<Item = &'a [&'b [u32]]> {
    let mut rest = sequences;
    std::iter::from_fn(move || {
        let (mut tokens, mut widest, mut taken) = (0, 0, 0);
        for sequence in rest {
            let (sum, width) = (tokens + sequence.len(), widest.max(sequence.len()));
            let padded = width * (taken + 1);
            if taken > 0 && (padded - sum) as f64 > MOST_PADDING * padded as f64 {
                break;
            }
            (tokens, widest, taken) = (sum, width, taken + 1);
        }
        let (group, after) = rest.split_at(taken);
        rest = after;
        (taken > 0).then_some(group)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_like_length_run_together_and_others_apart() {
        let long = [7_u32; 100];
        let sequences: Vec<&[u32]> = [5, 5, 6, 50, 52, 100].iter().map(|length| &long[..*length]).collect();
        let lengths: Vec<Vec<usize>> = groups_of_like_length(&sequences)
            .map(|group| group.iter().map(|sequence| sequence.len()).collect())
            .collect();
        assert_eq!(lengths, [vec![5, 5, 6], vec![50, 52], vec![100]]);
    }

    #[test]
    fn no_sequences_have_no_groups() {
        assert_eq!(groups_of_like_length(&[]).count(), 0);
    }
}
