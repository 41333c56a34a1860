use crate::errors::{DomainError, Rule};

/// The text to classify, as the client sent it: not blank, without U+0000, within the allowed length.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InputText(String);

/// The limits of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextLimits {
    /// The largest number of characters (Unicode scalar values).
    pub max_chars: usize,
}

impl Default for TextLimits {
    fn default() -> Self {
        Self { max_chars: 10_000 }
    }
}

impl InputText {
    /// Checks the text.
    ///
    /// # Errors
    /// A violation for the field `text`: [`Rule::Blank`], [`Rule::ContainsNul`] or [`Rule::TooLong`].
    pub fn parse(text: impl Into<String>, limits: TextLimits) -> Result<Self, DomainError> {
        let text = text.into();
        let refuse = |rule| Err(DomainError::violation("text", rule));
        let chars = text.chars().count();
        if chars > limits.max_chars {
            return refuse(Rule::TooLong { max: limits.max_chars, actual: chars });
        }
        if text.contains('\0') {
            return refuse(Rule::ContainsNul);
        }
        if text.chars().all(char::is_whitespace) {
            return refuse(Rule::Blank);
        }
        Ok(Self(text))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rule_of(text: &str) -> &'static str {
        match InputText::parse(text, TextLimits { max_chars: 5 }) {
            Err(DomainError::BusinessRuleViolation { field, rule }) => {
                assert_eq!(field, "text");
                rule.code()
            }
            other => panic!("not refused: {other:?}"),
        }
    }

    #[test]
    fn blank_texts_are_refused() {
        for blank in ["", " ", "\t\r\n", "\u{2003}\u{3000}"] {
            assert_eq!(rule_of(blank), "blank");
        }
    }

    #[test]
    fn a_nul_is_refused() {
        assert_eq!(rule_of("a\0b"), "contains_nul");
    }

    #[test]
    fn length_is_counted_in_characters_not_bytes() {
        assert!(InputText::parse("😀é最aa", TextLimits { max_chars: 5 }).is_ok());
        assert_eq!(rule_of("😀é最aaa"), "too_long");
    }

    proptest! {
        #[test]
        fn an_accepted_text_is_unaltered(text in any::<String>()) {
            if let Ok(accepted) = InputText::parse(text.clone(), TextLimits::default()) {
                prop_assert_eq!(accepted.as_str(), &text);
            }
        }
    }
}
