//! What the domain refuses, and by which rule. Every message is safe to show to a caller.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

/// A refusal by the domain.
#[derive(Debug, Clone, PartialEq)]
pub enum DomainError {
    /// A value or a state broke a rule.
    BusinessRuleViolation {
        /// Where the value stood, as the caller named it (`text`, `metadata.source`, `limit`).
        field: Cow<'static, str>,
        /// The rule that was broken.
        rule: Rule,
    },
    /// There is no such entity.
    EntityNotFound {
        /// The kind of entity.
        entity: &'static str,
        /// The id that was asked for.
        id: String,
    },
}

impl DomainError {
    /// A violation of `rule` by the value of `field`.
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

/// The rules a value can break; the list is closed, so that every one has its place in the problem catalogue.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// Empty, or white space only.
    Blank,
    /// More characters than allowed.
    TooLong {
        /// The most characters allowed.
        max: usize,
        /// The characters that came.
        actual: usize,
    },
    /// Holds the character U+0000, which no store keeps.
    ContainsNul,
    /// Holds control characters or white space other than the space.
    NotPrintable,
    /// More entries than allowed.
    TooMany {
        /// The most entries allowed.
        max: usize,
        /// The entries that came.
        actual: usize,
    },
    /// Larger than allowed when written down.
    TooLarge {
        /// The most bytes allowed.
        max: usize,
    },
    /// A number below the lowest or above the highest allowed.
    OutOfRange {
        /// The allowed range in words, such as `between 1 and 100`.
        allowed: Cow<'static, str>,
    },
    /// Does not have the form of what it should be.
    Malformed {
        /// What was expected, such as `a UUID`.
        expected: &'static str,
    },
    /// Not one of the allowed words.
    NotOneOf {
        /// The allowed words, comma-separated.
        allowed: Cow<'static, str>,
    },
    /// Holds nothing that can be searched for.
    NoTerms,
    /// More tokens than the caller allowed.
    TooManyTokens {
        /// The most tokens allowed.
        max: u32,
        /// The tokens that there are.
        actual: u32,
    },
    /// More sentences than are judged one by one.
    TooManySentences {
        /// The most sentences allowed.
        max: usize,
        /// The sentences that there are.
        actual: usize,
    },
    /// Allowed by itself, but not beside what else was asked for.
    Contradictory {
        /// What does not go together, as a predicate: `needs options.max_tokens`.
        why: &'static str,
    },
    /// Names no model that is served.
    UnknownModel,
}

impl Rule {
    /// The rule's stable name on the wire.
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
            Self::Contradictory { .. } => "contradictory",
            Self::UnknownModel => "unknown_model",
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
            Self::TooLarge { max } => write!(out, "must be at most {max} bytes in all"),
            Self::OutOfRange { allowed } => write!(out, "must be {allowed}"),
            Self::Malformed { expected } => write!(out, "must be {expected}"),
            Self::NotOneOf { allowed } => write!(out, "must be one of {allowed}"),
            Self::NoTerms => out.write_str("must hold at least one letter or digit"),
            Self::TooManyTokens { max, actual } => {
                write!(out, "must have at most {max} tokens, not {actual}")
            }
            Self::TooManySentences { max, actual } => {
                write!(out, "must have at most {max} sentences, not {actual}")
            }
            Self::Contradictory { why } => out.write_str(why),
            Self::UnknownModel => out.write_str("must be the name of a model that is served"),
        }
    }
}
