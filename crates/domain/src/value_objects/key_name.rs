use std::fmt;

use crate::errors::DomainError;
use crate::value_objects::printable::broken_rule;

/// The display name of an API key: 1 to 128 printable characters, not necessarily unique.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyName(String);

impl KeyName {
    /// The largest number of characters.
    pub const MAX_CHARS: usize = 128;

    /// Checks the name.
    ///
    /// # Errors
    /// A violation for the field `name`: `Blank`, `ContainsNul`, `NotPrintable` or `TooLong`.
    pub fn parse(text: impl Into<String>) -> Result<Self, DomainError> {
        let text = text.into();
        match broken_rule(&text, Self::MAX_CHARS) {
            None => Ok(Self(text)),
            Some(rule) => Err(DomainError::violation("name", rule)),
        }
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}
