use std::fmt;

use crate::errors::{DomainError, Rule};

/// The sentiment of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sentiment {
    /// Negative.
    Negative,
    /// Neither negative nor positive.
    Neutral,
    /// Positive.
    Positive,
    /// Negative and positive, in different sentences.
    Mixed,
}

impl Sentiment {
    /// All sentiments.
    pub const ALL: [Self; 4] = [Self::Negative, Self::Neutral, Self::Positive, Self::Mixed];

    /// Parses the name of a sentiment.
    ///
    /// # Errors
    /// [`Rule::NotOneOf`] for `field` if no sentiment has this name.
    pub fn parse(field: &'static str, name: &str) -> Result<Self, DomainError> {
        Self::ALL.into_iter().find(|sentiment| sentiment.as_str() == name).ok_or_else(|| {
            let allowed = Self::ALL.map(Self::as_str).join(", ").into();
            DomainError::violation(field, Rule::NotOneOf { allowed })
        })
    }

    /// Returns the name, in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Negative => "negative",
            Self::Neutral => "neutral",
            Self::Positive => "positive",
            Self::Mixed => "mixed",
        }
    }
}

impl fmt::Display for Sentiment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sentiment_is_parsed_from_its_name() {
        for sentiment in Sentiment::ALL {
            assert_eq!(Sentiment::parse("sentiment", sentiment.as_str()), Ok(sentiment));
        }
        assert!(Sentiment::parse("sentiment", "Positive").is_err());
    }
}
