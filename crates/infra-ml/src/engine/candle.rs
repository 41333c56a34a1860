//! Classifiers in Candle's operations, on CUDA or where the fast path does not know the encoder.

mod bert_like;
mod deberta;
mod modernbert;

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{LayerNorm, VarBuilder};

use crate::architecture::{Activation, Architecture};
use crate::engine::{Cores, Engine, EngineError, TokenBatch};

use bert_like::CandleBertLike;
use deberta::CandleDeberta;
use modernbert::CandleModernBert;

/// A classifier of any architecture, fed with sequences of about the same length, padded to the longest.
pub(crate) struct CandleEngine {
    model: Box<dyn CandleClassifier>,
    device: Device,
}

/// The arithmetic of one architecture.
trait CandleClassifier: Send {
    /// The logits `[sequences, labels]` of the token ids `ids`, `[sequences, width]` of u32.
    ///
    /// `mask` is of the same shape in f32: 1 for a token and 0 for padding, which stands behind the tokens.
    fn forward(&self, ids: &Tensor, mask: &Tensor) -> Result<Tensor>;
}

/// The share of padding above which a group of sequences is closed and the next begins.
const MOST_PADDING: f64 = 0.125;

impl CandleEngine {
    /// Takes the tensors out of `weights`, of which names and shapes have been checked.
    pub(crate) fn load(weights: VarBuilder<'_>, architecture: &Architecture, labels: usize) -> Result<Self> {
        let device = weights.device().clone();
        let model: Box<dyn CandleClassifier> = match architecture {
            Architecture::BertLike(model) => Box::new(CandleBertLike::load(weights, model, labels)?),
            Architecture::Deberta(model) => Box::new(CandleDeberta::load(&weights, model, labels)?),
            Architecture::ModernBert(model) => Box::new(CandleModernBert::load(&weights, model, labels)?),
        };
        Ok(Self { model, device })
    }

    /// The logits of a group: `[sequences][labels]`.
    fn forward_padded(&self, group: &[&[u32]]) -> Result<Vec<Vec<f32>>> {
        let rows = group.len();
        let width = group.iter().map(|ids| ids.len()).max().unwrap_or(0);
        let mut ids = Vec::with_capacity(rows * width);
        let mut mask = Vec::with_capacity(rows * width);
        for sequence in group {
            ids.extend_from_slice(sequence);
            ids.resize(ids.len() + width - sequence.len(), 0);
            mask.resize(mask.len() + sequence.len(), 1.0_f32);
            mask.resize(ids.len(), 0.0);
        }
        let ids = Tensor::from_vec(ids, (rows, width), &self.device)?;
        let mask = Tensor::from_vec(mask, (rows, width), &self.device)?;
        self.model.forward(&ids, &mask)?.to_dtype(DType::F32)?.to_vec2()
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

/// What is added to the score of padding: finite, so that no row is without a number, and far below any score, so that
/// its exponential is 0.
const MASKED: f32 = -3.0e38;

/// What is added to scores in f32, `[sequences, 1, 1, width]`, of a mask as [`CandleClassifier::forward`] has it.
fn masked(mask: &Tensor) -> Result<Tensor> {
    let least = f64::from(MASKED);
    mask.affine(-least, least)?.unsqueeze(1)?.unsqueeze(1)
}

fn activate(activation: Activation, states: &Tensor) -> Result<Tensor> {
    match activation {
        Activation::Gelu => states.gelu_erf(),
        Activation::GeluTanh => states.gelu(),
        Activation::Relu => states.relu(),
        Activation::Tanh => states.tanh(),
    }
}

fn norm(weights: &VarBuilder<'_>, size: usize, epsilon: f64, bias: bool) -> Result<LayerNorm> {
    if bias {
        return candle_nn::layer_norm(size, epsilon, weights.clone());
    }
    // With a bias of noughts it is one operation in Candle, without one it is eight.
    let norm = candle_nn::layer_norm_no_bias(size, epsilon, weights.clone())?;
    Ok(LayerNorm::new(norm.weight().clone(), norm.weight().zeros_like()?, epsilon))
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
