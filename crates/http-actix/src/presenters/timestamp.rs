use domain::value_objects::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use jiff::tz::TimeZone;

const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(6));

/// Returns the time in RFC 3339, in UTC, with microseconds; a time outside the years of RFC 3339, which no clock
/// returns, becomes the nearest one inside.
pub(crate) fn present_timestamp(timestamp: Timestamp) -> String {
    PRINTER.timestamp_to_string(&nearest(timestamp))
}

/// Appends what [`present_timestamp`] returns to `text`.
pub(crate) fn write_timestamp(timestamp: Timestamp, text: &mut String) {
    // A string takes everything.
    let _ = PRINTER.print_timestamp(&nearest(timestamp), text);
}

/// Returns the date of the time in UTC, such as `2026-01-31`.
pub(crate) fn present_date(timestamp: Timestamp) -> String {
    nearest(timestamp).to_zoned(TimeZone::UTC).date().to_string()
}

fn nearest(timestamp: Timestamp) -> jiff::Timestamp {
    let nearest = if timestamp.as_micros() < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    jiff::Timestamp::from_microsecond(timestamp.as_micros()).unwrap_or(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_have_six_fractional_digits_and_a_z() {
        assert_eq!(present_timestamp(Timestamp::from_micros(0)), "1970-01-01T00:00:00.000000Z");
        assert_eq!(
            present_timestamp(Timestamp::from_micros(1_767_225_600_123_456)),
            "2026-01-01T00:00:00.123456Z"
        );
        assert_eq!(present_timestamp(Timestamp::from_micros(i64::MAX)), "9999-12-30T22:00:00.999999Z");
        assert_eq!(present_date(Timestamp::from_micros(1_767_225_599_999_999)), "2025-12-31");
    }
}
