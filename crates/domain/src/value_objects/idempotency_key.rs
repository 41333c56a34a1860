use std::fmt;

use crate::errors::DomainError;
use crate::value_objects::printable::broken_rule;

/// The client's own id of a request that it may send again: 1 to 255 printable characters, unique within the tenant for
/// a day.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The largest number of characters.
    pub const MAX_CHARS: usize = 255;

    /// Checks the key.
    ///
    /// # Errors
    /// A violation for the field `Idempotency-Key`: `Blank`, `ContainsNul`, `NotPrintable` or `TooLong`.
    pub fn parse(text: impl Into<String>) -> Result<Self, DomainError> {
        let text = text.into();
        match broken_rule(&text, Self::MAX_CHARS) {
            None => Ok(Self(text)),
            Some(rule) => Err(DomainError::violation("Idempotency-Key", rule)),
        }
    }

    /// Returns the key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The SHA-256 of a request's method, route and body, by which it is recognized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestDigest([u8; 32]);

impl RequestDigest {
    /// The digest of these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_short_and_printable() {
        for good in ["8e03978e-40d5-43e8-bc93-6894a57f9324", &"x".repeat(255)] {
            assert!(IdempotencyKey::parse(good).is_ok(), "{good} was refused");
        }
        for bad in ["", " ", "a\tb", &"x".repeat(256)] {
            assert!(IdempotencyKey::parse(bad).is_err(), "{bad:?} was accepted");
        }
    }
}
