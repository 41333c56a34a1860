use std::time::{Duration, Instant};

use application::ports::Clock;
use domain::value_objects::Timestamp;

/// A clock that is wrong by a constant offset, to test replicas whose hosts' clocks differ.
#[derive(Debug, Clone, Copy)]
pub struct OffsetClock<C> {
    clock: C,
    offset_s: i32,
}

impl<C: Clock> OffsetClock<C> {
    /// Makes a clock that is ahead of `clock` by `offset_s` seconds, or behind if negative.
    pub fn new(clock: C, offset_s: i32) -> Self {
        Self { clock, offset_s }
    }
}

impl<C: Clock> Clock for OffsetClock<C> {
    fn now(&self) -> Timestamp {
        let offset = Duration::from_secs(self.offset_s.unsigned_abs().into());
        let now = self.clock.now();
        if self.offset_s < 0 { now.minus(offset) } else { now.plus(offset) }
    }

    fn monotonic(&self) -> Instant {
        self.clock.monotonic()
    }
}

#[cfg(test)]
mod tests {
    use testkit::FixedClock;

    use super::*;

    #[test]
    fn only_the_wall_clock_is_offset() {
        for (offset_s, expected) in [(3_600, 3_700_000_000), (-60, 40_000_000), (0, 100_000_000)] {
            let right = FixedClock::at(Timestamp::from_micros(100_000_000));
            let monotonic = right.monotonic();
            let wrong = OffsetClock::new(right, offset_s);
            assert_eq!(wrong.now().as_micros(), expected);
            assert_eq!(wrong.monotonic(), monotonic);
        }
    }
}
