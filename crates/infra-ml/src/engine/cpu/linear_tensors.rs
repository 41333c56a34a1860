use candle_core::{Result, Storage, Tensor};
use candle_nn::VarBuilder;

use super::folding::Folding;
use super::panels::LinearWeights;

/// The tensors of linear layers with the same input, to be packed as one layer with their outputs side by side.
pub(super) struct LinearTensors {
    /// Each `[outputs, inputs]`.
    weights: Vec<Tensor>,
    bias: Vec<f32>,
    inputs: usize,
}

impl LinearTensors {
    /// Reads the layers `parts`, each with `inputs` and `outputs`.
    pub(super) fn read(parts: &[VarBuilder<'_>], [outputs, inputs]: [usize; 2]) -> Result<Self> {
        let weights = parts.iter().map(|part| part.get((outputs, inputs), "weight")?.contiguous());
        let weights = weights.collect::<Result<_>>()?;
        let mut bias = Vec::with_capacity(parts.len() * outputs);
        for part in parts {
            bias.extend(part.get(outputs, "bias")?.to_vec1::<f32>()?);
        }
        Ok(Self { weights, bias, inputs })
    }

    /// Calls `use_weights` with the weights, multiplied by `factor` and with the norm of `folding`. They are borrowed
    /// from the tensors, because a copy would cost as much time as packing.
    pub(super) fn with<T>(
        &self,
        factor: f32,
        folding: Option<&Folding>,
        use_weights: impl FnOnce(&LinearWeights<'_>) -> T,
    ) -> Result<T> {
        let storages: Vec<_> = self.weights.iter().map(Tensor::storage_and_layout).collect();
        let mut rows = Vec::with_capacity(self.bias.len());
        for (storage, layout) in &storages {
            let (Storage::Cpu(storage), Some((start, end))) = (&**storage, layout.contiguous_offsets())
            else {
                candle_core::bail!("weights to be packed must be contiguous and on the CPU")
            };
            rows.extend(storage.as_slice::<f32>()?[start..end].chunks_exact(self.inputs));
        }
        Ok(use_weights(&LinearWeights { rows, bias: &self.bias, factor, folding }))
    }
}
