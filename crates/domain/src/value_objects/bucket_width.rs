use std::fmt;

use crate::errors::{DomainError, Rule};

/// The width of the buckets into which a range of time is divided, on the clock or in the calendar of a time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BucketWidth {
    /// 15 minutes.
    QuarterHour,
    /// An hour.
    Hour,
    /// A day of the calendar: from 22 to 26 hours where clocks change.
    Day,
    /// A week of the calendar, from Monday on.
    Week,
    /// A month of the calendar.
    Month,
}

impl BucketWidth {
    /// All widths, the narrowest first.
    pub const ALL: [Self; 5] = [Self::QuarterHour, Self::Hour, Self::Day, Self::Week, Self::Month];

    /// Parses the name of a width: `15m`, `1h`, `1d`, `1w` or `1mo`.
    ///
    /// # Errors
    /// [`Rule::NotOneOf`] for `field` if no width has this name.
    pub fn parse(field: &'static str, name: &str) -> Result<Self, DomainError> {
        Self::ALL.into_iter().find(|width| width.as_str() == name).ok_or_else(|| {
            let allowed = Self::ALL.map(Self::as_str).join(", ").into();
            DomainError::violation(field, Rule::NotOneOf { allowed })
        })
    }

    /// Returns the name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::QuarterHour => "15m",
            Self::Hour => "1h",
            Self::Day => "1d",
            Self::Week => "1w",
            Self::Month => "1mo",
        }
    }
}

impl fmt::Display for BucketWidth {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_is_parsed_from_its_name() {
        for width in BucketWidth::ALL {
            assert_eq!(BucketWidth::parse("bucket", width.as_str()), Ok(width));
        }
        for name in ["", "1H", "60m", "1m", "1y"] {
            assert!(BucketWidth::parse("bucket", name).is_err(), "{name}");
        }
    }
}
