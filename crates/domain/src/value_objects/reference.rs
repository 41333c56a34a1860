use crate::errors::{DomainError, Rule};

/// The caller's own id for a text: 1 to 128 printable characters, not necessarily unique.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference(String);

impl Reference {
    /// The most characters.
    pub const MAX_CHARS: usize = 128;

    /// Takes the reference as it is.
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

    /// The reference.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a character shows on paper: no control character, no white space but the space, no line or
/// paragraph separator, no byte-order mark.
fn is_printable(c: char) -> bool {
    c == ' ' || !(c.is_control() || c.is_whitespace() || c == '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printable_references_are_taken() {
        for good in ["order-17", "a b", "Ünïcode ✓", &"x".repeat(128)] {
            assert!(Reference::parse(good).is_ok(), "{good} was refused");
        }
    }

    #[test]
    fn others_are_refused_by_their_rule() {
        for (bad, code) in [
            ("", "blank"),
            ("  ", "blank"),
            ("a\0b", "contains_nul"),
            ("a\tb", "not_printable"),
            ("a\u{85}b", "not_printable"),
            (&"x".repeat(129), "too_long"),
        ] {
            let Err(DomainError::BusinessRuleViolation { field, rule }) = Reference::parse(bad) else {
                panic!("{bad:?} was taken")
            };
            assert_eq!((field.as_ref(), rule.code()), ("ref", code));
        }
    }
}
