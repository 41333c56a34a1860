use std::fmt;

use crate::errors::{DomainError, Rule};

/// The name under which a model is served. It is used in URL paths, metrics and file names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelName(String);

impl ModelName {
    /// The largest number of characters.
    pub const MAX_CHARS: usize = 64;

    /// Parses a name: 1 to 64 ASCII letters, digits, `.`, `_` and `-`. The first character is a letter or a digit, so
    /// that no name is `..` or looks like a flag.
    ///
    /// # Errors
    /// [`Rule::Malformed`] for `field` otherwise.
    pub fn parse(field: &'static str, text: impl Into<String>) -> Result<Self, DomainError> {
        let text = text.into();
        let has_valid_start = text.starts_with(|first: char| first.is_ascii_alphanumeric());
        let has_valid_chars = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
        if has_valid_start && has_valid_chars && text.len() <= Self::MAX_CHARS {
            return Ok(Self(text));
        }
        let expected = "1 to 64 of the characters A-Z, a-z, 0-9, '.', '_' and '-', a letter or digit first";
        Err(DomainError::violation(field, Rule::Malformed { expected }))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_plain_and_begins_with_a_letter_or_a_digit() {
        for good in ["a", "7b", "sentiment-minilm-l6", "v1.2_x", &"x".repeat(64)] {
            assert_eq!(ModelName::parse("name", good).map(|name| name.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", ".", "..", "-a", "_a", "a b", "a/b", "ä", "a\0", "%41", &"x".repeat(65)] {
            let refusal = ModelName::parse("name", bad).map_err(|error| match error {
                DomainError::BusinessRuleViolation { field, rule } => (field, rule.code()),
                DomainError::EntityNotFound { .. } => ("".into(), ""),
            });
            assert_eq!(refusal, Err(("name".into(), "malformed")), "{bad}");
        }
    }
}
