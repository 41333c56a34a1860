//! Models without a reference: whether they run in int8 is decided by the calibration.

use std::fs;
use std::path::Path;

use application::ports::{Calibration, ModelInfo, PrecisionReason};
use candle_core::{Device, Tensor};
use tempfile::TempDir;

use super::*;
use crate::settings::DeviceChoice;

/// A copy of the bundled model without its reference.
fn without_reference() -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        fs::copy(bundled_folder().join(file), copy.path().join(file)).unwrap();
    }
    copy
}

/// A copy of the bundled model without its reference, in which one value of each attention head is 1,000 times as
/// large, and its weights in the next layer as much smaller: the same function in f32, but int8 has one scale for a
/// token's values.
fn ruined_by_int8() -> TempDir {
    let copy = without_reference();
    let weights =
        candle_core::safetensors::load(copy.path().join("model.safetensors"), &Device::Cpu).unwrap();
    let mut tensors = small_model::Tensors::new();
    for (name, tensor) in weights {
        let tensor = tensor.to_dtype(DType::F32).unwrap();
        let size = tensor.dim(0).unwrap();
        let factors = |factor: f32| -> Vec<f32> {
            (0..size).map(|value| if value % 32 == 0 { factor } else { 1.0 }).collect()
        };
        let scaled = |shape: (usize, usize), factor| {
            let factors = Tensor::from_vec(factors(factor), shape, &Device::Cpu).unwrap();
            tensor.broadcast_mul(&factors).unwrap()
        };
        let tensor = if name.ends_with("self.value.weight") {
            scaled((size, 1), 1e3)
        } else if name.ends_with("self.value.bias") {
            let factors = Tensor::new(factors(1e3), &Device::Cpu).unwrap();
            tensor.mul(&factors).unwrap()
        } else if name.ends_with("attention.output.dense.weight") {
            scaled((1, size), 1e-3)
        } else {
            tensor
        };
        tensors.insert(name, tensor);
    }
    small_model::write_weights(copy.path(), &tensors);
    copy
}

fn info(folder: &Path, precision: Precision) -> Arc<ModelInfo> {
    let settings = ModelSettings { precision, device: DeviceChoice::Cpu, ..ModelSettings::new(folder) };
    load(&settings).unwrap().info
}

/// The configured int8 and its calibration, which any CPU has.
fn calibrated(folder: &Path) -> Calibration {
    let info = info(folder, Precision::Int8);
    assert_eq!((info.precision.as_str(), info.precision_reason), ("int8", PrecisionReason::Configured));
    assert_eq!(info.self_test, SelfTest::Absent);
    info.calibration.unwrap()
}

/// What `auto` chooses on this CPU where the calibration `passes`.
fn expected(passes: bool) -> (&'static str, PrecisionReason) {
    match (SimdLevel::detect().has_fast_int8(), passes) {
        (false, _) => ("f32", PrecisionReason::NoFastInt8),
        (true, true) => ("int8", PrecisionReason::CalibrationPassed),
        (true, false) => ("f32", PrecisionReason::CalibrationFailed),
    }
}

#[test]
fn the_bundled_weights_without_a_reference_run_in_int8() {
    let folder = without_reference();
    let calibration = calibrated(folder.path());
    assert!(calibration.passed, "{calibration:?}");
    assert_eq!(calibration.texts, 44);
    assert!(calibration.max_logit_difference > 1e-3, "int8 was compared: {calibration:?}");
    let auto = info(folder.path(), Precision::Auto);
    assert_eq!((auto.precision.as_str(), auto.precision_reason), expected(true));
    assert_eq!(auto.calibration.is_some(), SimdLevel::detect().has_fast_int8());
}

#[test]
fn a_model_that_int8_ruins_runs_in_f32_unless_int8_is_configured() {
    let folder = ruined_by_int8();
    let calibration = calibrated(folder.path());
    assert!(!calibration.passed && calibration.max_logit_difference.is_finite(), "{calibration:?}");
    let auto = info(folder.path(), Precision::Auto);
    assert_eq!((auto.precision.as_str(), auto.precision_reason), expected(false));
}

#[test]
fn a_reference_with_a_tolerance_for_int8_makes_a_calibration_needless() {
    let auto = info(&bundled_folder(), Precision::Auto);
    let int8 = info(&bundled_folder(), Precision::Int8);
    let expected = match expected(true).1 {
        PrecisionReason::CalibrationPassed => PrecisionReason::ReferencePassed,
        reason => reason,
    };
    assert_eq!((auto.precision_reason, auto.calibration), (expected, None));
    assert_eq!((int8.precision_reason, int8.calibration), (PrecisionReason::Configured, None));
    assert_eq!(int8.kernel, SimdLevel::detect().name());
}

#[test]
fn configured_f32_is_compared_with_nothing() {
    let info = info(without_reference().path(), Precision::F32);
    assert_eq!((info.precision.as_str(), info.precision_reason), ("f32", PrecisionReason::Configured));
    assert_eq!((info.calibration, info.kernel.as_str()), (None, SimdLevel::detect().name()));
}

#[test]
fn an_architecture_off_the_fast_path_has_no_int8() {
    let deberta = load(&families::family_settings("deberta-v2", Precision::Auto)).unwrap().info;
    assert_eq!((deberta.precision_reason, deberta.calibration), (PrecisionReason::Int8Unsupported, None));
    assert_eq!(deberta.kernel, "candle");
}
