use std::collections::BTreeMap;

use crate::errors::{DomainError, Rule};

/// The client's data about a text: a flat object of at most 16 keys and 4 KiB.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metadata(BTreeMap<String, MetadataValue>);

/// A value in [`Metadata`].
#[derive(Debug, Clone, PartialEq)]
pub enum MetadataValue {
    /// A string.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Any other finite number.
    Float(f64),
    /// A Boolean.
    Bool(bool),
}

/// 2^63: the first whole number that an `i64` cannot hold.
const I64_END: f64 = 9_223_372_036_854_775_808.0;

impl MetadataValue {
    /// Makes the value of a number as the client sent it: `whole` if an `i64` holds it, and the `nearest` double.
    ///
    /// # Errors
    /// [`Rule::OutOfRange`] for `field` if the number may not be returned exactly: it is 2^63 or more, or less than
    /// -2^63.
    pub fn exact_number(
        field: impl FnOnce() -> String,
        whole: Option<i64>,
        nearest: f64,
    ) -> Result<Self, DomainError> {
        match whole {
            Some(whole) => Ok(Self::Integer(whole)),
            None if nearest.abs() < I64_END => Self::number(field, nearest),
            None => {
                let rule = Rule::OutOfRange { allowed: "above -2^63 and below 2^63".into() };
                Err(DomainError::violation(field(), rule))
            }
        }
    }

    /// Makes the canonical value of a number: an integer if the number is whole and fits, so that `2.0` and `2` are the
    /// same value in every store.
    ///
    /// # Errors
    /// [`Rule::OutOfRange`] for `field` if the number is NaN or infinite.
    pub fn number(field: impl FnOnce() -> String, number: f64) -> Result<Self, DomainError> {
        if !number.is_finite() {
            return Err(DomainError::violation(
                field(),
                Rule::OutOfRange { allowed: "a finite number".into() },
            ));
        }
        if number.fract() == 0.0 && (-I64_END..I64_END).contains(&number) {
            return Ok(Self::Integer(number as i64));
        }
        Ok(Self::Float(number))
    }

    /// Returns the bytes that the value counts for: the length of a string, 8 for a number, 1 for a Boolean.
    fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Integer(_) | Self::Float(_) => 8,
            Self::Bool(_) => 1,
        }
    }
}

impl Metadata {
    /// The largest number of keys.
    pub const MAX_KEYS: usize = 16;
    /// The largest number of bytes in all keys and values.
    pub const MAX_BYTES: usize = 4_096;
    /// The largest number of characters in a key.
    pub const MAX_KEY_CHARS: usize = 64;

    /// Checks the entries against the limits.
    ///
    /// # Errors
    /// A violation for `metadata`, or for `metadata.<key>` if one entry is at fault.
    pub fn try_new(entries: BTreeMap<String, MetadataValue>) -> Result<Self, DomainError> {
        let count = entries.len();
        if count > Self::MAX_KEYS {
            return Err(DomainError::violation(
                "metadata",
                Rule::TooMany { max: Self::MAX_KEYS, actual: count },
            ));
        }
        let mut bytes = 0;
        for (key, value) in &entries {
            bytes += key.len() + value.size();
            Self::check_entry(key, value)?;
        }
        if bytes > Self::MAX_BYTES {
            return Err(DomainError::violation("metadata", Rule::TooLarge { max: Self::MAX_BYTES }));
        }
        Ok(Self(entries))
    }

    fn check_entry(key: &str, value: &MetadataValue) -> Result<(), DomainError> {
        if key.is_empty() {
            return Err(DomainError::violation("metadata", Rule::Blank));
        }
        if key.contains('\0') {
            return Err(DomainError::violation("metadata", Rule::ContainsNul));
        }
        let chars = key.chars().count();
        if chars > Self::MAX_KEY_CHARS {
            let rule = Rule::TooLong { max: Self::MAX_KEY_CHARS, actual: chars };
            return Err(DomainError::violation("metadata", rule));
        }
        match value {
            MetadataValue::Text(text) if text.contains('\0') => {
                Err(DomainError::violation(format!("metadata.{key}"), Rule::ContainsNul))
            }
            MetadataValue::Float(number) if !number.is_finite() => Err(DomainError::violation(
                format!("metadata.{key}"),
                Rule::OutOfRange { allowed: "a finite number".into() },
            )),
            _ => Ok(()),
        }
    }

    /// Returns the entries by key.
    pub fn entries(&self) -> &BTreeMap<String, MetadataValue> {
        &self.0
    }

    /// Returns whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(entries: impl IntoIterator<Item = (String, MetadataValue)>) -> Result<Metadata, DomainError> {
        Metadata::try_new(entries.into_iter().collect())
    }

    #[test]
    fn sixteen_keys_are_accepted_and_seventeen_refused() {
        let keys = |count: usize| (0..count).map(|n| (format!("k{n}"), MetadataValue::Integer(1)));
        assert!(with(keys(16)).is_ok());
        assert!(with(keys(17)).is_err());
    }

    #[test]
    fn four_kibibytes_are_accepted_and_one_byte_more_refused() {
        let text = |bytes: usize| [("k".to_owned(), MetadataValue::Text("x".repeat(bytes)))];
        assert!(with(text(4_095)).is_ok());
        assert!(with(text(4_096)).is_err());
    }

    #[test]
    fn a_nul_is_reported_with_its_entry() {
        let Err(DomainError::BusinessRuleViolation { field, rule }) =
            with([("source".to_owned(), MetadataValue::Text("a\0".into()))])
        else {
            panic!("accepted")
        };
        assert_eq!((field.as_ref(), rule.code()), ("metadata.source", "contains_nul"));
        assert!(with([("a\0".to_owned(), MetadataValue::Bool(true))]).is_err());
        assert!(with([(String::new(), MetadataValue::Bool(true))]).is_err());
    }

    #[test]
    fn sent_numbers_are_returned_unaltered_or_refused() {
        let sent = |whole, nearest| MetadataValue::exact_number(|| "metadata.n".into(), whole, nearest);
        assert_eq!(sent(Some(i64::MAX), I64_END), Ok(MetadataValue::Integer(i64::MAX)));
        assert_eq!(sent(Some(i64::MIN), -I64_END), Ok(MetadataValue::Integer(i64::MIN)));
        assert_eq!(sent(None, 2.0), Ok(MetadataValue::Integer(2)));
        assert_eq!(sent(None, 0.5), Ok(MetadataValue::Float(0.5)));
        for altered in [I64_END, -I64_END, 1e300, -1e300, f64::INFINITY, f64::NAN] {
            let Err(DomainError::BusinessRuleViolation { field, rule }) = sent(None, altered) else {
                panic!("{altered} was accepted")
            };
            assert_eq!((field.as_ref(), rule.code()), ("metadata.n", "out_of_range"));
        }
    }

    #[test]
    fn whole_numbers_have_one_form() {
        let number = |value| MetadataValue::number(|| "n".into(), value);
        assert_eq!(number(2.0), Ok(MetadataValue::Integer(2)));
        assert_eq!(number(-0.0), Ok(MetadataValue::Integer(0)));
        assert_eq!(number(0.5), Ok(MetadataValue::Float(0.5)));
        assert_eq!(number(1e300), Ok(MetadataValue::Float(1e300)));
        assert_eq!(number(I64_END), Ok(MetadataValue::Float(I64_END)));
        assert!(number(f64::NAN).is_err());
    }
}
