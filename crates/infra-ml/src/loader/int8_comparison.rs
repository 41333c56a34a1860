use application::ports::Calibration;

use super::calibration::TEXTS;
use super::resident::Resident;
use super::{EngineLoading, SmallFiles, Weights, device};
use crate::engine::cpu::SimdLevel;
use crate::load_error::{LoadError, UnfitSetting};
use crate::model_folder::ModelFolder;
use crate::settings::{DeviceChoice, LabelMapping, ModelSettings};

/// Compares int8 with f32 at each SIMD level of this CPU but the portable one, without and with folded norms. Returns
/// the level's name with the differences on the built-in texts and on `texts`.
pub(crate) fn compare_int8(
    folder: &ModelFolder,
    texts: &[&str],
) -> Result<Vec<(&'static str, [Calibration; 2])>, LoadError> {
    let (device, labels) = (DeviceChoice::Cpu, LabelMapping::Raw);
    let settings = ModelSettings { device, labels, ..ModelSettings::default() };
    let files = SmallFiles::read(folder, &settings)?;
    if !files.config.architecture().is_fast() {
        return Err(UnfitSetting::Int8Unsupported { path: folder.config() }.into());
    }
    let (weights, device) = (Weights::read(folder, &files.config)?, device::cpu());
    let mut found = Vec::new();
    for level in SimdLevel::ALL.iter().copied() {
        if level == SimdLevel::Portable || !level.is_supported() {
            continue;
        }
        let loading = EngineLoading {
            folder,
            files: &files,
            weights: &weights,
            device: &device,
            settings: &settings,
            level,
        };
        let load = |variant| loading.load(variant);
        let (mut resident, calibration) = (Resident::new(&load), loading.calibration());
        let built_in = calibration.compare(&TEXTS, &mut resident)?;
        let given = calibration.compare(texts, &mut resident)?;
        for ((variant, built_in), (_, given)) in built_in.into_iter().zip(given) {
            found.push((level.name(), [built_in, given].map(|summary| summary.report(variant, 0))));
        }
    }
    Ok(found)
}
