use application::action::chain;
use candle_core::Device;

use crate::engine::TensorError;
use crate::load_error::UnfitSetting;
use crate::settings::{DeviceChoice, Precision};

/// The device that the model runs on.
pub(super) struct ChosenDevice {
    pub(super) device: Device,
    /// `cpu` or `cuda:N`.
    pub(super) name: String,
}

/// Far above the rounding of another order of sums, far below the effect of a wrong operation.
const F32_TOLERANCE: f32 = 1e-3;
/// Where the reference has no tolerance of its own.
const INT8_TOLERANCE: f32 = 5e-1;
/// The bundled model's longest reference texts drift by 0.0016 with Candle on the CPU; larger models drift more.
pub(super) const F16_TOLERANCE: f32 = 2e-2;
/// Eight bits of mantissa: the same texts drift by 0.013.
pub(super) const BF16_TOLERANCE: f32 = 1e-1;

pub(super) fn choose(device: DeviceChoice) -> Result<ChosenDevice, UnfitSetting> {
    match device {
        DeviceChoice::Cpu => Ok(cpu()),
        DeviceChoice::Cuda(number) => open_cuda(number),
        DeviceChoice::Auto => Ok(open_cuda(0).unwrap_or_else(|error| {
            if cfg!(feature = "cuda") {
                tracing::warn!(reason = chain(&error), "cannot use a CUDA device; the model runs on the CPU");
            }
            cpu()
        })),
    }
}

impl ChosenDevice {
    pub(super) fn is_cpu(&self) -> bool {
        matches!(self.device, Device::Cpu)
    }
}

/// The largest allowed difference of a logit from the reference in `precision`; `own` is the reference's own for int8.
pub(super) fn tolerance(precision: Precision, own: Option<f32>) -> f32 {
    match precision {
        Precision::Auto | Precision::F32 => F32_TOLERANCE,
        Precision::Int8 => own.unwrap_or(INT8_TOLERANCE),
        Precision::F16 => F16_TOLERANCE,
        Precision::Bf16 => BF16_TOLERANCE,
    }
}

pub(super) fn cpu() -> ChosenDevice {
    ChosenDevice { device: Device::Cpu, name: "cpu".to_owned() }
}

fn open_cuda(number: usize) -> Result<ChosenDevice, UnfitSetting> {
    let name = format!("cuda:{number}");
    if !cfg!(feature = "cuda") {
        return Err(UnfitSetting::CudaNotBuilt { device: name });
    }
    match Device::new_cuda(number) {
        Ok(device) => {
            #[cfg(feature = "cuda")]
            super::cuda_memory::retain_freed(&device);
            Ok(ChosenDevice { device, name })
        }
        Err(error) => Err(UnfitSetting::Device { device: name, source: TensorError::from(error).into() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn cuda_without_the_feature_is_an_error_that_says_so() {
        let error = choose(DeviceChoice::Cuda(1)).err().unwrap().to_string();
        assert!(
            error.contains("cuda:1") && error.contains("feature cuda") && error.contains("\"cpu\""),
            "{error}"
        );
        assert_eq!(choose(DeviceChoice::Auto).unwrap().name, "cpu");
    }
}
