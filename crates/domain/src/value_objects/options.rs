use std::num::NonZeroU32;

use crate::errors::{DomainError, Rule};
use crate::value_objects::ScoreFunction;

/// What a caller may ask of an answer, as it was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawOptions {
    /// How many labels are answered.
    pub top_k: Option<i64>,
    /// Whether the logits are answered.
    pub raw: Option<bool>,
    /// The name of a [`ScoreFunction`].
    pub function: Option<String>,
    /// The name of a [`Granularity`].
    pub granularity: Option<String>,
    /// The most tokens of a text.
    pub max_tokens: Option<i64>,
    /// The name of an [`Overflow`].
    pub overflow: Option<String>,
}

/// What is asked of an answer: every option allowed by itself and beside the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PredictionOptions {
    /// How many labels are answered, the best first; all of them where none is given.
    pub top_k: Option<NonZeroU32>,
    /// Whether the labels come with their logits.
    pub raw: bool,
    /// What turns logits into scores; by the model's problem type where none is given.
    pub function: Option<ScoreFunction>,
    /// What is judged.
    pub granularity: Granularity,
    /// How the text is read.
    pub read: ReadOptions,
}

/// How a text is read: the part of the options that decides what the model computes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ReadOptions {
    /// The most tokens, special tokens not counted; what happens beyond them is the overflow's matter.
    pub max_tokens: Option<NonZeroU32>,
    /// What happens to a text of more tokens.
    pub overflow: Overflow,
}

/// What happens to a text of more tokens than asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Overflow {
    /// It is read whole, in windows of at most so many tokens.
    #[default]
    Window,
    /// Its first tokens are read, and the rest is left out.
    Truncate,
    /// It is refused.
    Reject,
}

/// What is judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Granularity {
    /// The text as a whole.
    #[default]
    Document,
    /// The text as a whole, and each of its sentences.
    Sentence,
}

impl PredictionOptions {
    /// The highest `max_tokens`.
    pub const MAX_TOKENS: u32 = 1_000_000;

    /// Takes what was asked for.
    ///
    /// # Errors
    /// A violation for the first option, in the order of the fields of [`RawOptions`], that is not allowed by itself,
    /// then for the first that is not allowed beside another ([`Rule::Contradictory`]). Fields are named
    /// `options.top_k` and so on.
    pub fn parse(asked: &RawOptions) -> Result<Self, DomainError> {
        let options = Self {
            top_k: asked.top_k.map(parse_top_k).transpose()?,
            raw: asked.raw.unwrap_or(false),
            function: parse_word("options.function", asked.function.as_deref(), ScoreFunction::NAMES)?,
            granularity: parse_word("options.granularity", asked.granularity.as_deref(), Granularity::NAMES)?
                .unwrap_or_default(),
            read: ReadOptions {
                max_tokens: asked.max_tokens.map(parse_max_tokens).transpose()?,
                overflow: parse_word("options.overflow", asked.overflow.as_deref(), Overflow::NAMES)?
                    .unwrap_or_default(),
            },
        };
        let contradiction = options.contradiction(asked.overflow.is_some());
        contradiction.map_or(Ok(options), |(field, why)| {
            Err(DomainError::violation(field, Rule::Contradictory { why }))
        })
    }

    fn contradiction(&self, overflow_given: bool) -> Option<(&'static str, &'static str)> {
        let sentences = self.granularity == Granularity::Sentence;
        if sentences && self.function == Some(ScoreFunction::None) {
            // Strength cannot be told from numbers that are no probabilities.
            Some(("options.function", "must not be none where options.granularity is sentence"))
        } else if overflow_given && self.read.max_tokens.is_none() {
            Some(("options.overflow", "needs options.max_tokens"))
        } else if sentences && self.read.overflow == Overflow::Truncate {
            // The sentences would be read where the text is not.
            Some(("options.overflow", "must not be truncate where options.granularity is sentence"))
        } else {
            None
        }
    }
}

impl ReadOptions {
    /// How the sentences of a text that is read so are read: all of them, as the text was not refused.
    pub fn for_sentences(self) -> Self {
        match self.overflow {
            Overflow::Window => self,
            Overflow::Truncate | Overflow::Reject => Self::default(),
        }
    }
}

impl Overflow {
    /// All of them by name.
    pub const NAMES: &[(&str, Self)] =
        &[("window", Self::Window), ("truncate", Self::Truncate), ("reject", Self::Reject)];
}

impl Granularity {
    /// All of them by name.
    pub const NAMES: &[(&str, Self)] = &[("document", Self::Document), ("sentence", Self::Sentence)];
}

/// At least one; what is beyond any model's labels is all of them.
fn parse_top_k(asked: i64) -> Result<NonZeroU32, DomainError> {
    let number = u32::try_from(asked.clamp(0, i64::from(i32::MAX))).ok();
    number.and_then(NonZeroU32::new).ok_or_else(|| {
        DomainError::violation("options.top_k", Rule::OutOfRange { allowed: "at least 1".into() })
    })
}

fn parse_max_tokens(asked: i64) -> Result<NonZeroU32, DomainError> {
    let most = PredictionOptions::MAX_TOKENS;
    let number = u32::try_from(asked).ok().filter(|number| *number <= most);
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

    fn asked(change: impl FnOnce(&mut RawOptions)) -> RawOptions {
        let mut asked = RawOptions::default();
        change(&mut asked);
        asked
    }

    #[test]
    fn nothing_asked_is_the_default() {
        assert_eq!(PredictionOptions::parse(&RawOptions::default()), Ok(PredictionOptions::default()));
    }

    #[test]
    fn every_option_is_taken() {
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
        let huge = PredictionOptions::parse(&asked(|asked| asked.top_k = Some(i64::MAX))).expect("allowed");
        assert_eq!(huge.top_k, NonZeroU32::new(i32::MAX.unsigned_abs()));
    }

    #[test]
    fn what_is_not_allowed_is_told_by_its_place() {
        let sentence = || Some("sentence".to_owned());
        for (asked, field, code) in [
            (asked(|a| a.top_k = Some(0)), "options.top_k", "out_of_range"),
            (asked(|a| a.top_k = Some(i64::MIN)), "options.top_k", "out_of_range"),
            (asked(|a| a.function = Some("Softmax".into())), "options.function", "not_one_of"),
            (asked(|a| a.granularity = Some("word".into())), "options.granularity", "not_one_of"),
            (asked(|a| a.max_tokens = Some(0)), "options.max_tokens", "out_of_range"),
            (asked(|a| a.max_tokens = Some(1_000_001)), "options.max_tokens", "out_of_range"),
            (asked(|a| a.overflow = Some("drop".into())), "options.overflow", "not_one_of"),
            (asked(|a| a.overflow = Some("window".into())), "options.overflow", "contradictory"),
            (
                asked(|a| {
                    (a.granularity, a.function) = (sentence(), Some("none".into()));
                }),
                "options.function",
                "contradictory",
            ),
            (
                asked(|a| {
                    (a.granularity, a.max_tokens, a.overflow) =
                        (sentence(), Some(4), Some("truncate".into()));
                }),
                "options.overflow",
                "contradictory",
            ),
        ] {
            match PredictionOptions::parse(&asked) {
                Err(DomainError::BusinessRuleViolation { field: at, rule }) => {
                    assert_eq!((at.as_ref(), rule.code()), (field, code), "{asked:?}");
                }
                other => panic!("not refused: {asked:?}: {other:?}"),
            }
        }
    }
}
