/// Why a model runs in its precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrecisionReason {
    /// The settings demand it.
    Configured,
    /// int8: its logits are within the tolerance that the model's reference states for int8.
    ReferencePassed,
    /// f32: the logits of int8 differ from the model's reference by more than its tolerance.
    ReferenceFailed,
    /// int8: it differs little from f32 on the built-in texts.
    CalibrationPassed,
    /// f32: int8 differs too much from it on the built-in texts.
    CalibrationFailed,
    /// f32: the CPU has no fast int8 dot products.
    NoFastInt8,
    /// f32: the architecture has no int8.
    Int8Unsupported,
    /// The first precision of the device that passed its trial.
    FirstUsable,
}

impl PrecisionReason {
    /// All names.
    pub const NAMES: [&str; 8] = [
        "configured",
        "reference_passed",
        "reference_failed",
        "calibration_passed",
        "calibration_failed",
        "no_fast_int8",
        "int8_unsupported",
        "first_usable",
    ];

    /// Returns the name in the API and in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Configured => "configured",
            Self::ReferencePassed => "reference_passed",
            Self::ReferenceFailed => "reference_failed",
            Self::CalibrationPassed => "calibration_passed",
            Self::CalibrationFailed => "calibration_failed",
            Self::NoFastInt8 => "no_fast_int8",
            Self::Int8Unsupported => "int8_unsupported",
            Self::FirstUsable => "first_usable",
        }
    }
}

/// The differences of int8 from f32 on the built-in texts when the model was loaded. A difference is NaN or infinite
/// where a logit is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration {
    /// Whether the differences are small enough for int8.
    pub passed: bool,
    /// The number of texts.
    pub texts: u32,
    /// Whether the compared int8 weights contain the scales of the layer norms before them.
    pub norms_folded: bool,
    /// The 95th percentile, over the texts, of the largest difference of a probability.
    pub p95_probability_difference: f32,
    /// The largest difference of a probability.
    pub max_probability_difference: f32,
    /// The largest difference of a logit.
    pub max_logit_difference: f32,
    /// The texts with the same label.
    pub labels_agreeing: u32,
    /// The allowed `p95_probability_difference`.
    pub tolerance: f32,
    /// The time of the whole comparison: building each variant of the model and computing the texts.
    pub duration_ms: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_a_name_of_its_own() {
        let reasons = [
            PrecisionReason::Configured,
            PrecisionReason::ReferencePassed,
            PrecisionReason::ReferenceFailed,
            PrecisionReason::CalibrationPassed,
            PrecisionReason::CalibrationFailed,
            PrecisionReason::NoFastInt8,
            PrecisionReason::Int8Unsupported,
            PrecisionReason::FirstUsable,
        ];
        assert_eq!(reasons.map(PrecisionReason::name), PrecisionReason::NAMES);
    }
}
