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

pub(super) fn choose(device: DeviceChoice, precision: Precision) -> Result<ChosenDevice, LoadError> {
    let (device, name) = match device {
        DeviceChoice::Cpu => (Device::Cpu, "cpu".to_owned()),
        DeviceChoice::Cuda(number) => open_cuda(number)?,
        DeviceChoice::Auto if cfg!(feature = "cuda") => open_cuda(0).unwrap_or_else(|error| {
            tracing::warn!(reason = %error, "no CUDA device can be used; the model runs on the CPU");
            (Device::Cpu, "cpu".to_owned())
        }),
        DeviceChoice::Auto => (Device::Cpu, "cpu".to_owned()),
    };
    let on_cpu = matches!(device, Device::Cpu);
    let (precision, dtype, tolerance) = match precision {
        Precision::F16 | Precision::Bf16 if on_cpu => {
            return Err(LoadError::Precision { precision, device: name });
        }
        Precision::Auto if on_cpu => (Precision::F32, DType::F32, 1e-3),
        Precision::F32 => (Precision::F32, DType::F32, 1e-3),
        Precision::Auto | Precision::F16 => (Precision::F16, DType::F16, 1e-2),
        Precision::Bf16 => (Precision::Bf16, DType::BF16, 1e-2),
    };
    Ok(ChosenDevice { device, dtype, name, precision, tolerance })
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
