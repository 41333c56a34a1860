use domain::value_objects::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;

const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(6));

/// The instant in RFC 3339, UTC, with microseconds. One beyond the years that RFC 3339 has is shown as the nearest
/// that it has; no clock gives one.
pub(crate) fn present_instant(instant: Timestamp) -> String {
    let nearest = if instant.as_micros() < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    let instant = jiff::Timestamp::from_microsecond(instant.as_micros()).unwrap_or(nearest);
    PRINTER.timestamp_to_string(&instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_have_six_digits_and_a_z() {
        assert_eq!(present_instant(Timestamp::from_micros(0)), "1970-01-01T00:00:00.000000Z");
        assert_eq!(
            present_instant(Timestamp::from_micros(1_767_225_600_123_456)),
            "2026-01-01T00:00:00.123456Z"
        );
        assert_eq!(present_instant(Timestamp::from_micros(i64::MAX)), "9999-12-30T22:00:00.999999Z");
    }
}
