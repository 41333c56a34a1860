use crate::errors::DomainError;
use crate::value_objects::printable::broken_rule;

/// The client's own id for a text: 1 to 128 printable characters, not necessarily unique.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference(String);

impl Reference {
    /// The largest number of characters.
    pub const MAX_CHARS: usize = 128;

    /// Checks the reference.
    ///
    /// # Errors
    /// A violation for the field `ref`: `Blank`, `ContainsNul`, `NotPrintable` or `TooLong`.
    pub fn parse(text: impl Into<String>) -> Result<Self, DomainError> {
        let text = text.into();
        match broken_rule(&text, Self::MAX_CHARS) {
            None => Ok(Self(text)),
            Some(rule) => Err(DomainError::violation("ref", rule)),
        }
    }

    /// Returns the reference.
    pub fn as_str(&self) -> &str {
        &self.0
    }
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
