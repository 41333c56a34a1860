use crate::errors::{DomainError, Rule};

/// The probability of the chosen sentiment or label: a finite number from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Confidence(f32);

impl Confidence {
    /// Checks that `value` is a probability.
    ///
    /// # Errors
    /// [`Rule::OutOfRange`] for `field` if it is NaN, infinite, below 0 or above 1.
    pub fn try_new(field: &'static str, value: f32) -> Result<Self, DomainError> {
        if (0.0..=1.0).contains(&value) {
            Ok(Self(value))
        } else {
            Err(DomainError::violation(field, Rule::OutOfRange { allowed: "between 0 and 1".into() }))
        }
    }

    /// Returns the probability nearest to `value`; 0 for NaN.
    pub(crate) fn clamped(value: f32) -> Self {
        Self(if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) })
    }

    /// Returns the probability.
    pub fn value(self) -> f32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_probabilities_are_confidences() {
        for good in [0.0, 0.5, 1.0] {
            assert_eq!(Confidence::try_new("c", good).map(Confidence::value), Ok(good));
        }
        for bad in [-0.1, 1.1, f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert!(Confidence::try_new("c", bad).is_err(), "{bad} was accepted");
        }
    }
}
