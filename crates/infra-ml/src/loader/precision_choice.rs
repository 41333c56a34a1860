use application::action::chain;
use application::ports::{Calibration, PrecisionReason, SelfTest};

use super::Engines;
use super::calibration::CalibrationRun;
use super::device::ChosenDevice;
use super::resident::{Resident, Variant};
use crate::load_error::{TrialError, UnfitSetting};
use crate::settings::Precision;

/// What decides whether `auto` may be int8 on the CPU.
#[derive(Debug, Clone, Copy)]
pub(super) struct Int8Support {
    /// The architecture is on the fast path, which alone has int8.
    pub(super) on_fast_path: bool,
    /// The CPU computes int8 faster than f32.
    pub(super) is_fast: bool,
    /// The model's reference has a tolerance for int8.
    pub(super) has_tolerance: bool,
}

/// How the precision of a model is chosen.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// The first of `preferred` that passes its trial, otherwise `last`.
    InTurn { preferred: Vec<Variant>, last: Variant, reason: PrecisionReason },
    /// By calibration: int8 where it passes, otherwise f32. Where int8 is `configured`, int8 in any case.
    Calibrate { configured: bool },
}

impl Plan {
    /// The plan for the `configured` precision.
    pub(super) fn new(
        configured: Precision,
        device: &ChosenDevice,
        int8: Int8Support,
    ) -> Result<Self, UnfitSetting> {
        let only = |last, reason| Ok(Self::InTurn { preferred: Vec::new(), last, reason });
        match (configured, device.is_cpu()) {
            (Precision::Auto, true) if !int8.on_fast_path => {
                only(Variant::F32, PrecisionReason::Int8Unsupported)
            }
            (Precision::Auto, true) if !int8.is_fast => only(Variant::F32, PrecisionReason::NoFastInt8),
            (Precision::Auto, true) if int8.has_tolerance => Ok(Self::InTurn {
                preferred: vec![Variant::INT8],
                last: Variant::F32,
                reason: PrecisionReason::ReferencePassed,
            }),
            (Precision::Auto, true) => Ok(Self::Calibrate { configured: false }),
            (Precision::Int8, true) if !int8.has_tolerance => Ok(Self::Calibrate { configured: true }),
            (Precision::Auto, false) => Ok(Self::InTurn {
                preferred: [Precision::F16, Precision::Bf16].map(Variant::plain).to_vec(),
                last: Variant::F32,
                reason: PrecisionReason::FirstUsable,
            }),
            (Precision::F16 | Precision::Bf16, true) | (Precision::Int8, false) => {
                Err(UnfitSetting::Precision { precision: configured, device: device.name.clone() })
            }
            (configured, _) => only(Variant::plain(configured), PrecisionReason::Configured),
        }
    }
}

/// The engines of a model in the chosen precision, which have passed their trial.
pub(super) struct Chosen {
    pub(super) engines: Engines,
    pub(super) variant: Variant,
    pub(super) reason: PrecisionReason,
    pub(super) calibration: Option<Calibration>,
    pub(super) self_test: SelfTest,
}

/// The trial of the engines in a precision: the self-test and the warm-up.
pub(super) type Trial<'a> = &'a dyn Fn(&mut Engines, Precision) -> Result<SelfTest, TrialError>;

/// Chooses the precision of a model by `plan`.
pub(super) fn choose(
    plan: Plan,
    resident: &mut Resident<'_>,
    calibration: &CalibrationRun<'_>,
    trial: Trial<'_>,
) -> Result<Chosen, TrialError> {
    let configured = match plan {
        Plan::InTurn { preferred, last, reason } => {
            return try_in_turn(&preferred, last, reason, resident, trial);
        }
        Plan::Calibrate { configured } => configured,
    };
    let (variant, calibration) = match calibration.run(resident) {
        Ok(calibrated) => (calibrated.variant, Some(calibrated.calibration)),
        Err(error) => {
            tracing::warn!(reason = chain(&error), "cannot compare int8 with f32");
            (Variant::INT8, None)
        }
    };
    let passed = calibration.is_some_and(|calibration| calibration.passed);
    if !passed {
        warn_of_failure(configured, calibration);
    }
    let chosen = match (configured, passed) {
        (true, _) => try_in_turn(&[], variant, PrecisionReason::Configured, resident, trial),
        (false, true) => {
            try_in_turn(&[variant], Variant::F32, PrecisionReason::CalibrationPassed, resident, trial)
        }
        (false, false) => try_in_turn(&[], Variant::F32, PrecisionReason::CalibrationFailed, resident, trial),
    };
    Ok(Chosen { calibration, ..chosen? })
}

fn warn_of_failure(configured: bool, calibration: Option<Calibration>) {
    if configured {
        tracing::warn!(
            ?calibration,
            "int8 is configured, but differs too much from f32 on the built-in texts; check its accuracy on texts of \
             yours, or set precision = \"f32\""
        );
    } else {
        tracing::warn!(
            ?calibration,
            "int8 differs too much from f32 on the built-in texts; the model runs in f32"
        );
    }
}

/// Loads the first of `preferred` that passes its trial, otherwise `last`.
fn try_in_turn(
    preferred: &[Variant],
    last: Variant,
    reason: PrecisionReason,
    resident: &mut Resident<'_>,
    trial: Trial<'_>,
) -> Result<Chosen, TrialError> {
    let mut attempt = |variant: Variant, reason| -> Result<Chosen, TrialError> {
        let mut engines = resident.take(variant)?;
        let self_test = trial(&mut engines, variant.precision)?;
        Ok(Chosen { engines, variant, reason, calibration: None, self_test })
    };
    for variant in preferred {
        match attempt(*variant, reason) {
            // The tokens are the same in every precision.
            Err(error) if !matches!(error, TrialError::Tokens { .. }) => {
                let precision = variant.precision;
                tracing::warn!(%precision, reason = chain(&error), "precision failed its trial; falling back");
            }
            outcome => return outcome,
        }
    }
    let fell_back = !preferred.is_empty() && reason != PrecisionReason::FirstUsable;
    attempt(last, if fell_back { PrecisionReason::ReferenceFailed } else { reason })
}

#[cfg(test)]
mod tests;
