use std::collections::BTreeMap;

use crate::errors::{DomainError, Rule};
use crate::value_objects::{Metadata, MetadataValue};

/// The metadata keys by which predictions are counted: none, one or two.
///
/// A prediction has one value for each: [`Dimensions::NONE`] where its metadata lack the key. Strings are cut after
/// [`Dimensions::MAX_VALUE_CHARS`] characters; numbers and Booleans have their JSON form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dimensions(Vec<String>);

/// The values of a prediction, by dimension.
pub type DimensionValues = BTreeMap<String, String>;

impl Dimensions {
    /// The most dimensions.
    pub const MAX: usize = 2;
    /// The most characters of a value.
    pub const MAX_VALUE_CHARS: usize = 128;
    /// The most values of a dimension that are counted apart on one day (UTC); further ones count as [`Self::OTHER`].
    pub const MAX_VALUES_A_DAY: usize = 200;
    /// The value that stands for all beyond [`Self::MAX_VALUES_A_DAY`].
    pub const OTHER: &'static str = "(other)";
    /// The value of a prediction whose metadata lack the key.
    pub const NONE: &'static str = "(none)";

    /// Checks that these are at most [`Self::MAX`] different keys that metadata can have.
    ///
    /// # Errors
    /// A violation for `dimensions`.
    pub fn try_new(keys: Vec<String>) -> Result<Self, DomainError> {
        let violation = |rule| Err(DomainError::violation("dimensions", rule));
        if keys.len() > Self::MAX {
            return violation(Rule::TooMany { max: Self::MAX, actual: keys.len() });
        }
        for (n, key) in keys.iter().enumerate() {
            if key.is_empty() {
                return violation(Rule::Blank);
            }
            if key.contains('\0') {
                return violation(Rule::ContainsNul);
            }
            let chars = key.chars().count();
            if chars > Metadata::MAX_KEY_CHARS {
                return violation(Rule::TooLong { max: Metadata::MAX_KEY_CHARS, actual: chars });
            }
            if keys[..n].contains(key) {
                return violation(Rule::Malformed { expected: "different keys" });
            }
        }
        Ok(Self(keys))
    }

    /// Returns the keys.
    pub fn keys(&self) -> &[String] {
        &self.0
    }

    /// Returns whether predictions are counted by no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the value that `metadata` have for each key.
    pub fn of(&self, metadata: &Metadata) -> DimensionValues {
        let value = |key: &String| match metadata.entries().get(key) {
            None => Self::NONE.to_owned(),
            Some(MetadataValue::Text(text)) => text.chars().take(Self::MAX_VALUE_CHARS).collect(),
            Some(MetadataValue::Integer(number)) => number.to_string(),
            Some(MetadataValue::Float(number)) => number.to_string(),
            Some(MetadataValue::Bool(value)) => value.to_string(),
        };
        self.0.iter().map(|key| (key.clone(), value(key))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(names: &[&str]) -> Result<Dimensions, DomainError> {
        Dimensions::try_new(names.iter().map(|&name| name.to_owned()).collect())
    }

    #[test]
    fn two_different_keys_are_accepted() {
        assert!(keys(&[]).is_ok());
        assert!(keys(&["channel", "product"]).is_ok());
        assert!(keys(&["a", "b", "c"]).is_err());
        assert!(keys(&["a", "a"]).is_err());
        assert!(keys(&[""]).is_err());
        assert!(keys(&["a\0"]).is_err());
        assert!(keys(&[&"k".repeat(65)]).is_err());
    }

    #[test]
    fn every_prediction_has_a_value_for_every_key() {
        let entries = [
            ("text", MetadataValue::Text("ä".repeat(200))),
            ("whole", MetadataValue::Integer(-3)),
            ("real", MetadataValue::Float(0.5)),
            ("truth", MetadataValue::Bool(true)),
        ];
        let entries = entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let metadata = Metadata::try_new(entries).expect("valid metadata");
        let value = |key| keys(&[key]).expect("a key").of(&metadata).remove(key);
        assert_eq!(value("text"), Some("ä".repeat(128)));
        assert_eq!(value("whole").as_deref(), Some("-3"));
        assert_eq!(value("real").as_deref(), Some("0.5"));
        assert_eq!(value("truth").as_deref(), Some("true"));
        assert_eq!(value("absent").as_deref(), Some("(none)"));
    }
}
