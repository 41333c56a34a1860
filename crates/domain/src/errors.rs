//! The domain's errors and rules. Every message is safe to show to a client.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

/// An error of the domain.
#[derive(Debug, Clone, PartialEq)]
pub enum DomainError {
    /// A value or a state broke a rule.
    BusinessRuleViolation {
        /// The field of the value by its name on the wire, such as `text`, `metadata.source` or `limit`.
        field: Cow<'static, str>,
        /// The rule.
        rule: Rule,
    },
    /// The entity does not exist.
    EntityNotFound {
        /// The kind of entity, such as `prediction`.
        entity: &'static str,
        /// The requested id.
        id: String,
    },
}

impl DomainError {
    /// Makes the error for a value of `field` that breaks `rule`.
    pub fn violation(field: impl Into<Cow<'static, str>>, rule: Rule) -> Self {
        Self::BusinessRuleViolation { field: field.into(), rule }
    }
}

impl fmt::Display for DomainError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BusinessRuleViolation { field, rule } => write!(out, "{field} {rule}"),
            Self::EntityNotFound { entity, id } => write!(out, "there is no {entity} {id}"),
        }
    }
}

impl Error for DomainError {}

/// The rules that a value can break. The list is closed, so that every rule has an entry in the problem catalog.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// The value is empty or consists of white space.
    Blank,
    /// The value has too many characters.
    TooLong {
        /// The largest number of characters allowed.
        max: usize,
        /// The number of characters.
        actual: usize,
    },
    /// The value contains the character U+0000, which PostgreSQL cannot store.
    ContainsNul,
    /// The value contains control characters or white space other than the space.
    NotPrintable,
    /// The value has too many entries.
    TooMany {
        /// The largest number of entries allowed.
        max: usize,
        /// The number of entries.
        actual: usize,
    },
    /// The value takes too many bytes.
    TooLarge {
        /// The largest number of bytes allowed.
        max: usize,
    },
    /// The number is too low or too high.
    OutOfRange {
        /// The allowed range, such as `between 1 and 100`.
        allowed: Cow<'static, str>,
    },
    /// The value does not have the expected form.
    Malformed {
        /// The expected form, such as `a UUID`.
        expected: &'static str,
    },
    /// The value is not one of the allowed words.
    NotOneOf {
        /// The allowed words, comma-separated.
        allowed: Cow<'static, str>,
    },
    /// The query contains no search term.
    NoTerms,
    /// The text has more tokens than its `max_tokens` option allows.
    TooManyTokens {
        /// The largest number of tokens allowed.
        max: u32,
        /// The number of tokens.
        actual: u32,
    },
    /// The text has more sentences than are classified one by one.
    TooManySentences {
        /// The largest number of sentences allowed.
        max: usize,
        /// The number of sentences.
        actual: usize,
    },
    /// The range that the value begins has more rows than one request may read.
    TooMuch {
        /// The largest number of rows allowed.
        max: usize,
    },
    /// The value is allowed by itself, but not together with another value.
    Contradictory {
        /// The conflict, as a predicate such as `needs options.max_tokens`.
        why: &'static str,
    },
    /// The value is not the name of a served model.
    UnknownModel,
    /// The entity is not in the state that the change needs.
    WrongState {
        /// The state that it must have, such as `active`.
        required: &'static str,
        /// The state that it has.
        actual: &'static str,
    },
}

impl Rule {
    /// Returns the rule's stable name on the wire.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::TooLong { .. } => "too_long",
            Self::ContainsNul => "contains_nul",
            Self::NotPrintable => "not_printable",
            Self::TooMany { .. } => "too_many",
            Self::TooLarge { .. } => "too_large",
            Self::OutOfRange { .. } => "out_of_range",
            Self::Malformed { .. } => "malformed",
            Self::NotOneOf { .. } => "not_one_of",
            Self::NoTerms => "no_terms",
            Self::TooManyTokens { .. } => "too_many_tokens",
            Self::TooManySentences { .. } => "too_many_sentences",
            Self::TooMuch { .. } => "too_much",
            Self::Contradictory { .. } => "contradictory",
            Self::UnknownModel => "unknown_model",
            Self::WrongState { .. } => "wrong_state",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => out.write_str("must not be blank"),
            Self::TooLong { max, actual } => {
                write!(out, "must be at most {max} characters long, not {actual}")
            }
            Self::ContainsNul => out.write_str("must not contain the character U+0000"),
            Self::NotPrintable => out.write_str("must consist of printable characters"),
            Self::TooMany { max, actual } => write!(out, "must have at most {max} entries, not {actual}"),
            Self::TooLarge { max } => write!(out, "must be at most {max} bytes in total"),
            Self::OutOfRange { allowed } => write!(out, "must be {allowed}"),
            Self::Malformed { expected } => write!(out, "must be {expected}"),
            Self::NotOneOf { allowed } => write!(out, "must be one of {allowed}"),
            Self::NoTerms => out.write_str("must contain at least one letter or digit"),
            Self::TooManyTokens { max, actual } => {
                write!(out, "must have at most {max} tokens, not {actual}")
            }
            Self::TooManySentences { max, actual } => {
                write!(out, "must have at most {max} sentences, not {actual}")
            }
            Self::TooMuch { max } => {
                write!(out, "must begin a range with at most {max} rows to read; choose a shorter one")
            }
            Self::Contradictory { why } => out.write_str(why),
            Self::UnknownModel => out.write_str("must be the name of a served model"),
            Self::WrongState { required, actual } => write!(out, "must be {required}, not {actual}"),
        }
    }
}
