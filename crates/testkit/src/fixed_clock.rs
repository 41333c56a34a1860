use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use application::ports::Clock;
use domain::value_objects::Timestamp;

/// A clock that stands still until it is told otherwise.
#[derive(Debug)]
pub struct FixedClock(AtomicI64);

impl FixedClock {
    /// A clock that shows `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.as_micros()))
    }

    /// From now on the clock shows `now`.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_micros(), Ordering::SeqCst);
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().plus(by));
    }
}

impl Default for FixedClock {
    /// 2026-01-02T03:04:05.678901Z.
    fn default() -> Self {
        Self::at(Timestamp::from_micros(1_767_323_045_678_901))
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}
