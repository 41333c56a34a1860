use crate::errors::{DomainError, Rule};

/// The client's own id for a text: 1 to 128 printable characters, not necessarily unique.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference(String);

impl Reference {
    /// The largest number of characters.
    pub const MAX_CHARS: usize = 128;

    /// Checks the reference.
    ///
    /// # Errors
    /// A violation for the field `ref`: [`Rule::Blank`], [`Rule::ContainsNul`], [`Rule::NotPrintable`] or
    /// [`Rule::TooLong`].
    pub fn parse(text: impl Into<String>) -> Result<Self, DomainError> {
        let text = text.into();
        let chars = text.chars().count();
        let rule = if text.chars().all(char::is_whitespace) {
            Rule::Blank
        } else if text.contains('\0') {
            Rule::ContainsNul
        } else if !text.chars().all(is_printable) {
            Rule::NotPrintable
        } else if chars > Self::MAX_CHARS {
            Rule::TooLong { max: Self::MAX_CHARS, actual: chars }
        } else {
            return Ok(Self(text));
        };
        Err(DomainError::violation("ref", rule))
    }

    /// Returns the reference.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns whether a character is printable: the space, or anything but control characters, white space and the
/// byte-order mark.
fn is_printable(c: char) -> bool {
    c == ' ' || !(c.is_control() || c.is_whitespace() || c == '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printable_references_are_accepted() {
        for good in ["order-17", "a b", "Ünïcode ✓", &"x".repeat(128)] {
            assert!(Reference::parse(good).is_ok(), "{good} was refused");
        }
    }

    #[test]
    fn other_references_are_refused_with_the_broken_rule() {
        for (bad, code) in [
            ("", "blank"),
            ("  ", "blank"),
            ("a\0b", "contains_nul"),
            ("a\tb", "not_printable"),
            ("a\u{85}b", "not_printable"),
            (&"x".repeat(129), "too_long"),
        ] {
            let Err(DomainError::BusinessRuleViolation { field, rule }) = Reference::parse(bad) else {
                panic!("{bad:?} was accepted")
            };
            assert_eq!((field.as_ref(), rule.code()), ("ref", code));
        }
    }
}
