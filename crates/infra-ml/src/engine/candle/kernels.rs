//! The operations that cost most: Candle's own or, in `f32` on the CPU, the fast path's kernels, which have packed
//! weights, wider vectors and fewer passes over memory.

use candle_core::{CpuStorage, DType, Device, Result, Storage, Tensor};
use candle_nn::ops::softmax_last_dim;
use candle_nn::{LayerNorm, Linear, Module, VarBuilder};

use super::operations::{activate, layer_norm};
use crate::architecture::Activation;
use crate::engine::cpu::{Dense, RowNorm, gate, softmax};

/// Who computes the operations of this module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kernels {
    /// Candle, on any device and in any type.
    Candle,
    /// The fast path's kernels, on the CPU in `f32`.
    Cpu,
}

impl Kernels {
    /// The best for `weights`.
    pub(super) fn of(weights: &VarBuilder<'_>) -> Self {
        let on_cpu = matches!(weights.device(), Device::Cpu) && weights.dtype() == DType::F32;
        if on_cpu { Self::Cpu } else { Self::Candle }
    }
}

/// A fully connected layer.
pub(super) enum Projection {
    Candle(Linear),
    Cpu(Dense),
}

impl Projection {
    /// Loads the layer; without a `bias` it is zero.
    pub(super) fn load(
        weights: &VarBuilder<'_>,
        [outputs, inputs]: [usize; 2],
        bias: bool,
        kernels: Kernels,
    ) -> Result<Self> {
        let linear = candle_nn::linear_b(inputs, outputs, bias, weights.clone())?;
        if kernels == Kernels::Candle {
            return Ok(Self::Candle(linear));
        }
        let bias = match linear.bias() {
            Some(bias) => bias.to_vec1()?,
            None => vec![0.0; outputs],
        };
        Ok(Self::Cpu(Dense::pack(&linear.weight().flatten_all()?.to_vec1::<f32>()?, &bias)))
    }

    /// Computes the layer for `states`, `[…, inputs]`.
    pub(super) fn forward(&self, states: &Tensor) -> Result<Tensor> {
        match self {
            Self::Candle(linear) => linear.forward(states),
            Self::Cpu(dense) => on_cpu(states, dense.outputs(), |states| dense.apply(states)),
        }
    }

    /// Computes `activation` of the layer's results for `states`.
    pub(super) fn activate(&self, states: &Tensor, activation: Activation) -> Result<Tensor> {
        match self {
            Self::Candle(linear) => activate(activation, &linear.forward(states)?),
            Self::Cpu(dense) => on_cpu(states, dense.outputs(), |states| dense.activate(states, activation)),
        }
    }

    /// Computes the sum of `residual` and of the layer's results for `states`.
    pub(super) fn add_to(&self, residual: &Tensor, states: &Tensor) -> Result<Tensor> {
        match self {
            Self::Candle(linear) => linear.forward(states)? + residual,
            Self::Cpu(dense) => {
                let residual = residual.contiguous()?;
                numbers(&residual, |residual| {
                    on_cpu(states, dense.outputs(), |states| dense.add_to(residual, states))
                })?
            }
        }
    }
}

/// A layer norm.
pub(super) enum Norm {
    Candle(LayerNorm),
    Cpu(RowNorm),
}

impl Norm {
    /// Loads the norm of `size`; without a `bias` it is zero.
    pub(super) fn load(
        weights: &VarBuilder<'_>,
        size: usize,
        epsilon: f64,
        bias: bool,
        kernels: Kernels,
    ) -> Result<Self> {
        let norm = layer_norm(weights, size, epsilon, bias)?;
        Ok(match norm.bias() {
            Some(bias) if kernels == Kernels::Cpu => {
                Self::Cpu(RowNorm::new(norm.weight().to_vec1()?, bias.to_vec1()?, epsilon))
            }
            _ => Self::Candle(norm),
        })
    }

    /// Normalizes the rows of `states`, `[…, size]`.
    pub(super) fn forward(&self, states: &Tensor) -> Result<Tensor> {
        match self {
            Self::Candle(norm) => norm.forward(states),
            Self::Cpu(norm) => on_cpu(states, states.dim(candle_core::D::Minus1)?, |rows| norm.apply(rows)),
        }
    }
}

impl Kernels {
    /// Computes `activation` of the first half of the last dimension of `states` times the second half.
    pub(super) fn gate(self, activation: Activation, states: &Tensor) -> Result<Tensor> {
        match self {
            Self::Candle => {
                let halves = states.chunk(2, candle_core::D::Minus1)?;
                activate(activation, &halves[0].contiguous()?)? * &halves[1]
            }
            Self::Cpu => {
                let width = states.dim(candle_core::D::Minus1)? / 2;
                on_cpu(states, width, |states| gate(activation, states, width))
            }
        }
    }
}

impl Kernels {
    /// Computes the softmax over the last dimension of the sum of `scores`, `[a, b, queries, keys]` of `f32`, and
    /// `mask`, of the same shape or with 1 in place of `a`, `b` or `queries`.
    pub(super) fn softmax(self, scores: &Tensor, mask: &Tensor) -> Result<Tensor> {
        if self == Self::Candle {
            return softmax_last_dim(&scores.broadcast_add(mask)?);
        }
        let (first, second, queries, keys) = scores.dims4()?;
        let mask_dims = mask.dims4()?;
        let mask: Vec<f32> = mask.flatten_all()?.to_vec1()?;
        let at = |index: usize, size: usize| if size == 1 { 0 } else { index };
        on_cpu(scores, keys, |scores| {
            softmax(scores, keys, |row, scores| {
                let (a, b, query) = (row / queries / second % first, row / queries % second, row % queries);
                let masked_row = (at(a, mask_dims.0) * mask_dims.1 + at(b, mask_dims.1)) * mask_dims.2;
                let mask = &mask[(masked_row + at(query, mask_dims.2)) * keys..][..keys];
                for (score, mask) in scores.iter_mut().zip(mask) {
                    *score += mask;
                }
            })
        })
    }
}

/// Returns the rows of `width` that `compute` makes of those of `states`, `[…, inputs]`.
pub(super) fn on_cpu(
    states: &Tensor,
    width: usize,
    compute: impl FnOnce(&[f32]) -> Vec<f32>,
) -> Result<Tensor> {
    let mut shape = states.dims().to_vec();
    if let Some(last) = shape.last_mut() {
        *last = width;
    }
    let results = numbers(&states.contiguous()?, compute)?;
    Tensor::from_vec(results, shape, &Device::Cpu)
}

/// Calls `read` with the numbers of a contiguous tensor of `f32` on the CPU.
pub(super) fn numbers<R>(tensor: &Tensor, read: impl FnOnce(&[f32]) -> R) -> Result<R> {
    let (storage, layout) = tensor.storage_and_layout();
    match (&*storage, layout.contiguous_offsets()) {
        (Storage::Cpu(CpuStorage::F32(numbers)), Some((start, end))) => Ok(read(&numbers[start..end])),
        _ => candle_core::bail!("not a contiguous tensor of f32 on the CPU"),
    }
}
