use std::time::{SystemTime, UNIX_EPOCH};

use application::ports::Clock;
use domain::value_objects::Timestamp;

/// The machine's clock; an instant before 1970 counts as 1970.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_returns_microseconds_since_the_epoch() {
        let year_2026 = 1_767_225_600_000_000;
        let year_2200 = 7_258_118_400_000_000;
        assert!((year_2026..year_2200).contains(&SystemClock.now().as_micros()));
    }
}
