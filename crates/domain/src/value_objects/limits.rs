use std::fmt;
use std::num::{NonZeroU32, NonZeroU64};

use crate::errors::{DomainError, Rule};

/// What a tenant or a key may use; what is none is not limited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Limits {
    /// The rate of requests.
    pub requests: Option<Rate>,
    /// The rate of texts, whether a model classifies them or a cache knows them.
    pub texts: Option<Rate>,
    /// The largest number of requests at the same time.
    pub concurrent: Option<NonZeroU32>,
    /// The largest number of texts of a day (UTC).
    pub texts_per_day: Option<NonZeroU64>,
}

/// So many in each second on average, and up to `burst` at once (the generic cell rate algorithm, ITU-T I.371).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    /// The average of a second.
    pub per_second: NonZeroU32,
    /// The most at once.
    pub burst: NonZeroU32,
}

impl Rate {
    /// The largest number of each part, so that the interval of one is at least a microsecond.
    pub const MAX: u32 = 1_000_000;

    /// Checks the numbers of the field `field`.
    ///
    /// # Errors
    /// `OutOfRange` unless both are between 1 and [`Rate::MAX`].
    pub fn try_new(field: &'static str, per_second: u32, burst: u32) -> Result<Self, DomainError> {
        let part = |value: u32| NonZeroU32::new(value).filter(|value| value.get() <= Self::MAX);
        let (Some(per_second), Some(burst)) = (part(per_second), part(burst)) else {
            let allowed = "between 1 and 1000000".into();
            return Err(DomainError::violation(field, Rule::OutOfRange { allowed }));
        };
        Ok(Self { per_second, burst })
    }

    /// Checks a rate of requests, whose burst is by default the rate.
    ///
    /// # Errors
    /// Those of [`Rate::try_new`].
    pub fn of_requests(
        field: &'static str,
        per_second: u32,
        burst: Option<u32>,
    ) -> Result<Self, DomainError> {
        Self::try_new(field, per_second, burst.unwrap_or(per_second))
    }

    /// Checks a rate of texts, whose burst is by default the rate, but no less than the largest batch needs.
    ///
    /// # Errors
    /// Those of [`Rate::try_new`].
    pub fn of_texts(field: &'static str, per_second: u32, burst: Option<u32>) -> Result<Self, DomainError> {
        Self::try_new(field, per_second, burst.unwrap_or(per_second.max(Self::LARGEST_BATCH)))
    }

    /// The items of the largest batch.
    const LARGEST_BATCH: u32 = 1_000;

    /// Returns the whole seconds, rounded up, after which an unused rate allows its burst again.
    pub fn window_seconds(self) -> u32 {
        self.burst.get().div_ceil(self.per_second.get())
    }

    fn clamped_to(self, other: Self) -> Self {
        Self { per_second: self.per_second.min(other.per_second), burst: self.burst.min(other.burst) }
    }

    fn is_within(self, other: Self) -> bool {
        self.per_second <= other.per_second && self.burst <= other.burst
    }
}

impl Limits {
    /// Returns whether nothing is limited.
    pub fn is_unlimited(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the narrower of each limit.
    pub fn clamped_to(self, outer: &Self) -> Self {
        Self {
            requests: narrower(self.requests, outer.requests, Rate::clamped_to),
            texts: narrower(self.texts, outer.texts, Rate::clamped_to),
            concurrent: narrower(self.concurrent, outer.concurrent, Ord::min),
            texts_per_day: narrower(self.texts_per_day, outer.texts_per_day, Ord::min),
        }
    }

    /// Returns these limits for a key whose issuer has `outer`: what these leave open is limited as by `outer`.
    ///
    /// # Errors
    /// `OutOfRange` for the first field, named as on the wire, that is wider than in `outer`.
    pub fn narrowed_by(self, outer: &Self) -> Result<Self, DomainError> {
        let narrow = |field, is_within: bool| {
            let allowed = "at most the limit of the issuer".into();
            if is_within { Ok(()) } else { Err(DomainError::violation(field, Rule::OutOfRange { allowed })) }
        };
        narrow("limits.requests", within(self.requests, outer.requests, Rate::is_within))?;
        narrow("limits.texts", within(self.texts, outer.texts, Rate::is_within))?;
        narrow("limits.concurrent", within(self.concurrent, outer.concurrent, |own, other| own <= other))?;
        let day = within(self.texts_per_day, outer.texts_per_day, |own, other| own <= other);
        narrow("limits.texts_per_day", day)?;
        Ok(Self {
            requests: self.requests.or(outer.requests),
            texts: self.texts.or(outer.texts),
            concurrent: self.concurrent.or(outer.concurrent),
            texts_per_day: self.texts_per_day.or(outer.texts_per_day),
        })
    }
}

impl fmt::Display for Rate {
    /// Such as `10/s` or `10/s:20` with a burst of its own.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/s", self.per_second)?;
        if self.burst == self.per_second { Ok(()) } else { write!(out, ":{}", self.burst) }
    }
}

impl fmt::Display for Limits {
    /// Such as `requests 10/s:20, texts per day 5000`, or `unlimited`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            self.requests.map(|rate| format!("requests {rate}")),
            self.texts.map(|rate| format!("texts {rate}")),
            self.concurrent.map(|most| format!("concurrent {most}")),
            self.texts_per_day.map(|most| format!("texts per day {most}")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        out.write_str(if parts.is_empty() { "unlimited" } else { "" })?;
        out.write_str(&parts.join(", "))
    }
}

fn narrower<T>(own: Option<T>, outer: Option<T>, min: impl FnOnce(T, T) -> T) -> Option<T> {
    match (own, outer) {
        (Some(own), Some(outer)) => Some(min(own, outer)),
        (own, outer) => own.or(outer),
    }
}

/// Whether a part is within that of the outer limits; a part that is missing on either side is.
fn within<T>(own: Option<T>, outer: Option<T>, is_within: impl FnOnce(T, T) -> bool) -> bool {
    own.zip(outer).is_none_or(|(own, outer)| is_within(own, outer))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn rate(per_second: u32, burst: u32) -> Option<Rate> {
        Rate::try_new("limits.texts", per_second, burst).ok()
    }

    #[test]
    fn a_rate_is_at_least_one_and_at_most_a_million() {
        assert!(Rate::try_new("limits.texts", 1, Rate::MAX).is_ok());
        for (per_second, burst) in [(0, 1), (1, 0), (Rate::MAX + 1, 1), (1, Rate::MAX + 1)] {
            let refused = Rate::try_new("limits.texts", per_second, burst).unwrap_err();
            assert_eq!(refused.to_string(), "limits.texts must be between 1 and 1000000");
        }
    }

    #[test]
    fn the_default_burst_of_texts_allows_the_largest_batch() {
        let burst = |rate: Result<Rate, DomainError>| rate.unwrap().burst.get();
        assert_eq!(burst(Rate::of_requests("limits.requests", 7, None)), 7);
        assert_eq!(burst(Rate::of_requests("limits.requests", 7, Some(3))), 3);
        assert_eq!(burst(Rate::of_texts("limits.texts", 7, None)), 1_000);
        assert_eq!(burst(Rate::of_texts("limits.texts", 2_000, None)), 2_000);
        assert_eq!(burst(Rate::of_texts("limits.texts", 7, Some(3))), 3);
    }

    #[test]
    fn limits_are_shown_in_one_line() {
        assert_eq!(Limits::default().to_string(), "unlimited");
        let limits = Limits {
            requests: rate(10, 10),
            texts: rate(5, 1_000),
            concurrent: NonZeroU32::new(4),
            texts_per_day: NonZeroU64::new(50_000),
        };
        let expected = "requests 10/s, texts 5/s:1000, concurrent 4, texts per day 50000";
        assert_eq!(limits.to_string(), expected);
    }

    #[test]
    fn the_window_is_the_time_in_which_a_burst_is_allowed_again() {
        let window = |per_second, burst| rate(per_second, burst).unwrap().window_seconds();
        assert_eq!([window(10, 10), window(10, 11), window(10, 1), window(1, 60)], [1, 2, 1, 60]);
    }

    #[test]
    fn a_key_inherits_what_it_leaves_open_and_never_exceeds_its_issuer() {
        let outer = Limits { texts: rate(10, 100), concurrent: NonZeroU32::new(4), ..Limits::default() };
        let own = Limits { texts: rate(5, 100), requests: rate(1, 1), ..Limits::default() };
        let narrowed = own.narrowed_by(&outer).unwrap();
        let expected = Limits { concurrent: NonZeroU32::new(4), ..own };
        assert_eq!(narrowed, expected);
        assert_eq!(own.narrowed_by(&Limits::default()), Ok(own));
        for wider in [
            Limits { texts: rate(11, 100), ..own },
            Limits { texts: rate(5, 101), ..own },
            Limits { concurrent: NonZeroU32::new(5), ..own },
        ] {
            assert!(wider.narrowed_by(&outer).is_err(), "{wider:?}");
        }
        let day = |texts| Limits { texts_per_day: NonZeroU64::new(texts), ..Limits::default() };
        assert!(day(2).narrowed_by(&day(1)).is_err());
    }
}
