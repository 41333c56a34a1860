use std::fmt;

use crate::errors::{DomainError, Rule};

/// The public part of an API key, `ut_<id>_<secret>`: it identifies the key in lists, logs and the audit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// The number of characters: 71 bits where they are random.
    pub const CHARS: usize = 12;

    /// Parses [`Self::CHARS`] ASCII letters and digits.
    ///
    /// # Errors
    /// [`Rule::Malformed`] for `field` otherwise.
    pub fn parse(field: &'static str, text: impl Into<String>) -> Result<Self, DomainError> {
        let text = text.into();
        if text.len() == Self::CHARS && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Ok(Self(text));
        }
        Err(DomainError::violation(
            field,
            Rule::Malformed { expected: "the id of a key: 12 letters and digits" },
        ))
    }

    /// Returns the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_twelve_letters_and_digits() {
        assert_eq!(
            KeyId::parse("id", "aZ09aZ09aZ09").map(|id| id.to_string()),
            Ok("aZ09aZ09aZ09".to_owned())
        );
        for bad in ["", "aZ09aZ09aZ0", "aZ09aZ09aZ091", "aZ09aZ09aZ0_", "aZ09aZ09aZ\u{e9}"] {
            assert!(KeyId::parse("id", bad).is_err(), "{bad} was accepted");
        }
    }
}
