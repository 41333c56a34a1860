//! Times in arguments and in output.

use std::time::Duration;

use domain::value_objects::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo};

/// When a key ends.
#[derive(Debug, Clone)]
pub(crate) enum Expiry {
    /// At an instant.
    At(Timestamp),
    /// So long after it was issued.
    After(Span),
}

impl Expiry {
    /// Parses a date (its first moment in UTC), an instant of RFC 3339, or a span such as `90d`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Some(at) = instant(text) {
            return Ok(Self::At(timestamp(at)));
        }
        let expected =
            || "expected a date (2027-01-31), a time (2027-01-31T12:00:00Z) or a span (90d)".to_owned();
        text.parse().map(Self::After).map_err(|_| expected())
    }

    /// Returns the instant at which a key ends that is issued at `now`.
    /// None beyond the year 9999.
    pub(crate) fn from(&self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::At(at) => Some(*at),
            Self::After(span) => {
                let now = jiff::Timestamp::from_microsecond(now.as_micros()).ok()?.to_zoned(TimeZone::UTC);
                now.checked_add(*span).ok().map(|end| timestamp(end.timestamp()))
            }
        }
    }
}

/// Parses a date (its first moment in UTC) or an instant of RFC 3339. Digits below the microsecond are rounded up: rows
/// have whole microseconds.
pub(crate) fn parse_instant(text: &str) -> Result<Timestamp, String> {
    let at = instant(text).ok_or("expected a date (2026-01-31) or a time (2026-01-31T12:00:00Z)")?;
    let micros = -(-at.as_nanosecond()).div_euclid(1_000);
    Ok(Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX)))
}

fn instant(text: &str) -> Option<jiff::Timestamp> {
    let date = text.parse::<Date>().ok().filter(|_| !text.contains([':', 'T', 't']));
    let midnight = date.and_then(|date| date.to_zoned(TimeZone::UTC).ok());
    text.parse().ok().or(midnight.map(|midnight| midnight.timestamp()))
}

/// Parses a length of time such as `24h` or `7d`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let span: Option<Span> = text.parse().ok();
    let length = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    length
        .and_then(|length| length.try_into().ok())
        .ok_or_else(|| "expected a length such as 24h or 7d".to_owned())
}

/// Returns the instant in RFC 3339, to the second.
pub(crate) fn to_the_second(at: Timestamp) -> String {
    rfc3339(Timestamp::from_micros(at.as_micros().div_euclid(1_000_000) * 1_000_000))
}

/// Returns the instant in RFC 3339.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    // Only instants beyond the year 9999 have none.
    jiff::Timestamp::from_microsecond(at.as_micros()).map_or_else(|_| "-".to_owned(), |at| at.to_string())
}

fn timestamp(at: jiff::Timestamp) -> Timestamp {
    Timestamp::from_micros(at.as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-02T03:04:05.678901Z.
    const NOW: i64 = 1_767_323_045_678_901;

    #[test]
    fn a_key_ends_at_a_date_a_time_or_after_a_span() {
        for (text, end) in [
            ("2027-01-31", "2027-01-31T00:00:00Z"),
            ("2027-01-31T12:00:00Z", "2027-01-31T12:00:00Z"),
            ("2027-01-31t12:00:00+02:00", "2027-01-31T10:00:00Z"),
            ("90d", "2026-04-02T03:04:05.678901Z"),
            ("1y", "2027-01-02T03:04:05.678901Z"),
            ("12h 30m", "2026-01-02T15:34:05.678901Z"),
        ] {
            let expiry = Expiry::parse(text).expect(text).from(Timestamp::from_micros(NOW)).expect(text);
            assert_eq!(rfc3339(expiry), end, "{text}");
        }
        for bad in ["", "tomorrow", "2027-13-01", "2027-01-31T12:00:00", "31.01.2027", "90"] {
            assert!(Expiry::parse(bad).is_err(), "{bad} was accepted");
        }
        assert!(Expiry::parse("9999y").expect("a span").from(Timestamp::from_micros(NOW)).is_none());
    }

    #[test]
    fn a_length_of_time_has_a_unit_and_is_not_negative() {
        assert_eq!(parse_duration("24h"), Ok(Duration::from_hours(24)));
        assert_eq!(parse_duration("7d"), Ok(Duration::from_hours(7 * 24)));
        assert_eq!(parse_duration("0s"), Ok(Duration::ZERO));
        for bad in ["", "24", "-1h", "1 month", "soon"] {
            assert!(parse_duration(bad).is_err(), "{bad} was accepted");
        }
    }

    #[test]
    fn an_instant_is_a_date_or_a_time() {
        let shown = |text| parse_instant(text).map(rfc3339);
        assert_eq!(shown("2026-01-31"), Ok("2026-01-31T00:00:00Z".to_owned()));
        assert_eq!(shown("2026-01-31T12:00:00.0000001+02:00"), Ok("2026-01-31T10:00:00.000001Z".to_owned()));
        assert!(parse_instant("90d").is_err());
    }

    #[test]
    fn times_are_shown_to_the_second() {
        assert_eq!(to_the_second(Timestamp::from_micros(NOW)), "2026-01-02T03:04:05Z");
        assert_eq!(to_the_second(Timestamp::from_micros(-1)), "1969-12-31T23:59:59Z");
        assert_eq!(rfc3339(Timestamp::from_micros(i64::MAX)), "-");
    }
}
