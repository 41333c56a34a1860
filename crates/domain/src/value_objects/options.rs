use std::num::NonZeroU32;

use crate::errors::{DomainError, Rule};
use crate::value_objects::ScoreFunction;

/// The options of a prediction as the client sent them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawOptions {
    /// The number of labels to return.
    pub top_k: Option<i64>,
    /// Whether to return the logits.
    pub raw: Option<bool>,
    /// The name of a [`ScoreFunction`].
    pub function: Option<String>,
    /// The name of a [`Granularity`].
    pub granularity: Option<String>,
    /// The largest number of tokens.
    pub max_tokens: Option<i64>,
    /// The name of an [`Overflow`].
    pub overflow: Option<String>,
}

/// The validated options of a prediction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PredictionOptions {
    /// The number of labels to return, best first; all labels if none is given.
    pub top_k: Option<NonZeroU32>,
    /// Whether to return the logits.
    pub raw: bool,
    /// The function that turns logits into scores; by the model's problem type if none is given.
    pub function: Option<ScoreFunction>,
    /// What to classify.
    pub granularity: Granularity,
    /// The options that the model needs.
    pub read: ReadOptions,
}

/// The options that decide what the model computes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ReadOptions {
    /// The largest number of tokens, without special tokens.
    pub max_tokens: Option<NonZeroU32>,
    /// The treatment of longer texts.
    pub overflow: Overflow,
}

/// The treatment of a text with more than `max_tokens` tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Overflow {
    /// The whole text is classified, in windows of at most `max_tokens` tokens.
    #[default]
    Window,
    /// The first `max_tokens` tokens are classified.
    Truncate,
    /// The text is refused.
    Reject,
}

/// What to classify.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Granularity {
    /// The text as a whole.
    #[default]
    Document,
    /// The text as a whole, and each of its sentences.
    Sentence,
}

impl PredictionOptions {
    /// The highest value of `max_tokens`.
    pub const MAX_TOKENS: u32 = 1_000_000;

    /// Validates the options.
    ///
    /// # Errors
    /// A violation for the first option, in the order of [`RawOptions`], that is not allowed by itself; otherwise for
    /// the first that contradicts another ([`Rule::Contradictory`]). Fields are named `options.top_k` and so on.
    pub fn parse(raw: &RawOptions) -> Result<Self, DomainError> {
        let options = Self {
            top_k: raw.top_k.map(parse_top_k).transpose()?,
            raw: raw.raw.unwrap_or(false),
            function: parse_word("options.function", raw.function.as_deref(), ScoreFunction::NAMES)?,
            granularity: parse_word("options.granularity", raw.granularity.as_deref(), Granularity::NAMES)?
                .unwrap_or_default(),
            read: ReadOptions {
                max_tokens: raw.max_tokens.map(parse_max_tokens).transpose()?,
                overflow: parse_word("options.overflow", raw.overflow.as_deref(), Overflow::NAMES)?
                    .unwrap_or_default(),
            },
        };
        let contradiction = options.contradiction(raw.overflow.is_some());
        contradiction.map_or(Ok(options), |(field, why)| {
            Err(DomainError::violation(field, Rule::Contradictory { why }))
        })
    }

    fn contradiction(&self, overflow_given: bool) -> Option<(&'static str, &'static str)> {
        let sentences = self.granularity == Granularity::Sentence;
        if sentences && self.function == Some(ScoreFunction::None) {
            // The strength of a sentence is a probability.
            Some(("options.function", "must not be none if options.granularity is sentence"))
        } else if overflow_given && self.read.max_tokens.is_none() {
            Some(("options.overflow", "needs options.max_tokens"))
        } else if sentences && self.read.overflow == Overflow::Truncate {
            // Sentences would be classified beyond the part of the text that is.
            Some(("options.overflow", "must not be truncate if options.granularity is sentence"))
        } else {
            None
        }
    }
}

impl ReadOptions {
    /// Returns the options for the sentences of a text that was classified with these. Sentences are classified whole.
    pub fn for_sentences(self) -> Self {
        match self.overflow {
            Overflow::Window => self,
            Overflow::Truncate | Overflow::Reject => Self::default(),
        }
    }
}

impl Overflow {
    /// All values by name.
    pub const NAMES: &[(&str, Self)] =
        &[("window", Self::Window), ("truncate", Self::Truncate), ("reject", Self::Reject)];
}

impl Granularity {
    /// All values by name.
    pub const NAMES: &[(&str, Self)] = &[("document", Self::Document), ("sentence", Self::Sentence)];
}

/// Accepts 1 and above; a number above that of the model's labels means all of them.
fn parse_top_k(number: i64) -> Result<NonZeroU32, DomainError> {
    let number = u32::try_from(number.clamp(0, i64::from(i32::MAX))).ok();
    number.and_then(NonZeroU32::new).ok_or_else(|| {
        DomainError::violation("options.top_k", Rule::OutOfRange { allowed: "at least 1".into() })
    })
}

fn parse_max_tokens(number: i64) -> Result<NonZeroU32, DomainError> {
    let most = PredictionOptions::MAX_TOKENS;
    let number = u32::try_from(number).ok().filter(|number| *number <= most);
    number.and_then(NonZeroU32::new).ok_or_else(|| {
        let allowed = format!("between 1 and {most}").into();
        DomainError::violation("options.max_tokens", Rule::OutOfRange { allowed })
    })
}

fn parse_word<T: Copy>(
    field: &'static str,
    word: Option<&str>,
    known: &[(&str, T)],
) -> Result<Option<T>, DomainError> {
    let Some(word) = word else { return Ok(None) };
    let found = known.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
    found.map(Some).ok_or_else(|| {
        let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
        DomainError::violation(field, Rule::NotOneOf { allowed: names.join(", ").into() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(change: impl FnOnce(&mut RawOptions)) -> RawOptions {
        let mut raw = RawOptions::default();
        change(&mut raw);
        raw
    }

    #[test]
    fn no_options_are_the_defaults() {
        assert_eq!(PredictionOptions::parse(&RawOptions::default()), Ok(PredictionOptions::default()));
    }

    #[test]
    fn every_option_is_accepted() {
        let all = RawOptions {
            top_k: Some(2),
            raw: Some(true),
            function: Some("sigmoid".into()),
            granularity: Some("sentence".into()),
            max_tokens: Some(8),
            overflow: Some("reject".into()),
        };
        let options = PredictionOptions::parse(&all).expect("allowed");
        assert_eq!(options.top_k, NonZeroU32::new(2));
        assert!(options.raw);
        assert_eq!(options.function, Some(ScoreFunction::Sigmoid));
        assert_eq!(options.granularity, Granularity::Sentence);
        let read = ReadOptions { max_tokens: NonZeroU32::new(8), overflow: Overflow::Reject };
        assert_eq!(options.read, read);
        assert_eq!(read.for_sentences(), ReadOptions::default());
        let huge = PredictionOptions::parse(&raw(|raw| raw.top_k = Some(i64::MAX))).expect("allowed");
        assert_eq!(huge.top_k, NonZeroU32::new(i32::MAX.unsigned_abs()));
    }

    #[test]
    fn an_option_that_is_not_allowed_is_reported_with_its_field() {
        let sentence = || Some("sentence".to_owned());
        for (options, field, code) in [
            (raw(|a| a.top_k = Some(0)), "options.top_k", "out_of_range"),
            (raw(|a| a.top_k = Some(i64::MIN)), "options.top_k", "out_of_range"),
            (raw(|a| a.function = Some("Softmax".into())), "options.function", "not_one_of"),
            (raw(|a| a.granularity = Some("word".into())), "options.granularity", "not_one_of"),
            (raw(|a| a.max_tokens = Some(0)), "options.max_tokens", "out_of_range"),
            (raw(|a| a.max_tokens = Some(1_000_001)), "options.max_tokens", "out_of_range"),
            (raw(|a| a.overflow = Some("drop".into())), "options.overflow", "not_one_of"),
            (raw(|a| a.overflow = Some("window".into())), "options.overflow", "contradictory"),
            (
                raw(|a| {
                    (a.granularity, a.function) = (sentence(), Some("none".into()));
                }),
                "options.function",
                "contradictory",
            ),
            (
                raw(|a| {
                    (a.granularity, a.max_tokens, a.overflow) =
                        (sentence(), Some(4), Some("truncate".into()));
                }),
                "options.overflow",
                "contradictory",
            ),
        ] {
            match PredictionOptions::parse(&options) {
                Err(DomainError::BusinessRuleViolation { field: at, rule }) => {
                    assert_eq!((at.as_ref(), rule.code()), (field, code), "{options:?}");
                }
                other => panic!("not refused: {options:?}: {other:?}"),
            }
        }
    }
}
