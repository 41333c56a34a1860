use application::action::chain;
use candle_core::{DType, Device};

use crate::load_error::LoadError;
use crate::settings::{DeviceChoice, Precision};

/// Where the model goes, in which arithmetic, and how far that may drift from the reference.
pub(super) struct ChosenDevice {
    pub(super) device: Device,
    pub(super) dtype: DType,
    /// `cpu` or `cuda:N`.
    pub(super) name: String,
    pub(super) precision: Precision,
    /// The largest difference of a logit from the reference.
    pub(super) tolerance: f32,
}

/// Far above what rounding does in another order of sums, far below what a wrong operation does.
const F32_TOLERANCE: f32 = 1e-3;
pub(super) const F16_TOLERANCE: f32 = 1e-2;
/// Eight bits of mantissa: the bundled model's longest reference texts drift by 0.14.
pub(super) const BF16_TOLERANCE: f32 = 2.5e-1;

pub(super) fn choose(device: DeviceChoice, precision: Precision) -> Result<ChosenDevice, LoadError> {
    let (device, name) = match device {
        DeviceChoice::Cpu => cpu(),
        DeviceChoice::Cuda(number) => open_cuda(number)?,
        DeviceChoice::Auto => open_cuda(0).unwrap_or_else(|error| {
            if cfg!(feature = "cuda") {
                tracing::warn!(
                    reason = chain(&error),
                    "no CUDA device can be used; the model runs on the CPU"
                );
            }
            cpu()
        }),
    };
    let on_cpu = matches!(device, Device::Cpu);
    let (precision, dtype, tolerance) = match precision {
        Precision::F16 | Precision::Bf16 if on_cpu => {
            return Err(LoadError::Precision { precision, device: name });
        }
        Precision::Auto if on_cpu => (Precision::F32, DType::F32, F32_TOLERANCE),
        Precision::F32 => (Precision::F32, DType::F32, F32_TOLERANCE),
        Precision::Auto | Precision::F16 => (Precision::F16, DType::F16, F16_TOLERANCE),
        Precision::Bf16 => (Precision::Bf16, DType::BF16, BF16_TOLERANCE),
    };
    Ok(ChosenDevice { device, dtype, name, precision, tolerance })
}

fn cpu() -> (Device, String) {
    (Device::Cpu, "cpu".to_owned())
}

fn open_cuda(number: usize) -> Result<(Device, String), LoadError> {
    let device = format!("cuda:{number}");
    if !cfg!(feature = "cuda") {
        return Err(LoadError::CudaNotBuilt { device });
    }
    match Device::new_cuda(number) {
        Ok(opened) => Ok((opened, device)),
        Err(source) => Err(LoadError::Device { device, source: source.into() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_runs_f32_and_refuses_16_bits() {
        let chosen = choose(DeviceChoice::Cpu, Precision::Auto).unwrap();
        assert_eq!(
            (chosen.name.as_str(), chosen.precision, chosen.dtype),
            ("cpu", Precision::F32, DType::F32)
        );
        for precision in [Precision::F16, Precision::Bf16] {
            assert!(matches!(choose(DeviceChoice::Cpu, precision), Err(LoadError::Precision { .. })));
        }
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn cuda_without_the_feature_is_an_error_that_says_so() {
        let error = choose(DeviceChoice::Cuda(1), Precision::Auto).err().unwrap().to_string();
        assert!(
            error.contains("cuda:1") && error.contains("feature cuda") && error.contains("\"cpu\""),
            "{error}"
        );
        assert_eq!(choose(DeviceChoice::Auto, Precision::Auto).unwrap().name, "cpu");
    }
}
