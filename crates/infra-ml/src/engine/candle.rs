//! Classifiers on Candle's operations: for CUDA, and for encoders that the fast path does not support.

mod bert_encoder;
mod bert_like;
mod deberta;
mod kernels;
mod modernbert;
mod operations;
mod post_norm;

use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::VarBuilder;
use rayon::{ThreadPool, ThreadPoolBuildError};

use crate::architecture::Architecture;
use crate::engine::{Cores, Engine, EngineError, TokenBatch, core_threads};

use bert_like::CandleBertLike;
use deberta::CandleDeberta;
use kernels::Kernels;
use modernbert::CandleModernBert;
use operations::CandleClassifier;

/// A classifier of any architecture. Sequences of similar length run together, padded to the longest.
pub(crate) struct CandleEngine {
    /// Shared by all workers.
    model: Arc<dyn CandleClassifier>,
    device: Device,
    /// `None` where the caller's threads compute.
    pools: Option<Pools>,
}

/// The threads of a worker on the CPU.
struct Pools {
    /// One thread, for batches beside those of other workers.
    own: ThreadPool,
    /// A thread for each core, shared by all workers, for a batch alone.
    all: Arc<ThreadPool>,
}

/// A core gains nothing by larger batches, and the texts of a batch wait for its last one: these take a model of base
/// size (12 layers of 768) about half a second.
const CPU_BATCH_TOKENS: usize = 128;

/// Smaller batches leave a GPU idle between the launches of its kernels.
const DEVICE_BATCH_TOKENS: usize = 16_384;

/// The maximum share of padding in a group of sequences.
const MAX_PADDING: f64 = 0.125;

impl CandleEngine {
    /// Loads the model from `weights`, whose names and shapes have been checked.
    pub(crate) fn load(weights: VarBuilder<'_>, architecture: &Architecture, labels: usize) -> Result<Self> {
        let kernels = Kernels::of(&weights);
        Self::load_with(weights, architecture, labels, kernels)
    }

    /// [`Self::load`] with Candle's operations alone, as on CUDA.
    #[cfg(test)]
    pub(crate) fn load_plain(
        weights: VarBuilder<'_>,
        architecture: &Architecture,
        labels: usize,
    ) -> Result<Self> {
        Self::load_with(weights, architecture, labels, Kernels::Candle)
    }

    fn load_with(
        weights: VarBuilder<'_>,
        architecture: &Architecture,
        labels: usize,
        kernels: Kernels,
    ) -> Result<Self> {
        let device = weights.device().clone();
        let model: Arc<dyn CandleClassifier> = match architecture {
            Architecture::BertLike(model) => Arc::new(CandleBertLike::load(weights, model, labels)?),
            Architecture::Deberta(model) => Arc::new(CandleDeberta::load(&weights, model, labels, kernels)?),
            Architecture::ModernBert(model) => {
                Arc::new(CandleModernBert::load(&weights, model, labels, kernels)?)
            }
        };
        Ok(Self { model, device, pools: None })
    }

    /// Returns an engine for each of `workers` that compute at once, all with the same weights: a thread each on the
    /// CPU, where a product shared by threads takes longer than two products apart. Other devices have one worker.
    pub(crate) fn for_workers(self, workers: usize) -> std::result::Result<Vec<Self>, ThreadPoolBuildError> {
        if !self.device.is_cpu() {
            return Ok(vec![self]);
        }
        let all = Arc::new(core_threads(workers)?);
        let engine = |_| {
            let pools = Some(Pools { own: core_threads(1)?, all: Arc::clone(&all) });
            Ok(Self { model: Arc::clone(&self.model), device: self.device.clone(), pools })
        };
        (0..workers).map(engine).collect()
    }

    /// Returns the logits of a group, `[sequences, labels]`.
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
        cores: Cores,
    ) -> std::result::Result<Vec<Vec<f32>>, EngineError> {
        let compute = || {
            let sequences: Vec<&[u32]> = batch.sequences().collect();
            let mut logits = Vec::with_capacity(sequences.len());
            for group in groups_of_similar_length(&sequences) {
                logits.extend(self.forward_padded(group)?);
            }
            Ok(logits)
        };
        match (&self.pools, cores) {
            (None, _) => compute(),
            (Some(pools), Cores::Own) => pools.own.install(compute),
            (Some(pools), Cores::All) => pools.all.install(compute),
        }
    }

    fn cores_of(&self, _tokens: usize, cores: Cores) -> usize {
        match (&self.pools, cores) {
            (None, _) | (Some(_), Cores::Own) => 1,
            (Some(pools), Cores::All) => pools.all.current_num_threads(),
        }
    }

    fn batch_tokens(&self) -> usize {
        if self.device.is_cpu() { CPU_BATCH_TOKENS } else { DEVICE_BATCH_TOKENS }
    }
}

/// Splits `sequences`, sorted by length, into consecutive groups of which each has at most [`MAX_PADDING`] when padded
/// to its longest.
fn groups_of_similar_length<'a, 'b>(sequences: &'a [&'b [u32]]) -> impl Iterator<Item = &'a [&'b [u32]]> {
    let mut rest = sequences;
    std::iter::from_fn(move || {
        let (mut tokens, mut widest, mut taken) = (0, 0, 0);
        for sequence in rest {
            let (sum, width) = (tokens + sequence.len(), widest.max(sequence.len()));
            let padded = width * (taken + 1);
            if taken > 0 && (padded - sum) as f64 > MAX_PADDING * padded as f64 {
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
    fn sequences_of_similar_length_form_a_group() {
        let long = [7_u32; 100];
        let sequences: Vec<&[u32]> = [5, 5, 6, 50, 52, 100].iter().map(|length| &long[..*length]).collect();
        let lengths: Vec<Vec<usize>> = groups_of_similar_length(&sequences)
            .map(|group| group.iter().map(|sequence| sequence.len()).collect())
            .collect();
        assert_eq!(lengths, [vec![5, 5, 6], vec![50, 52], vec![100]]);
    }

    #[test]
    fn an_empty_batch_has_no_groups() {
        assert_eq!(groups_of_similar_length(&[]).count(), 0);
    }
}
