use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use application::ports::Clock;
use domain::value_objects::Timestamp;

/// A clock that only moves when a test sets or advances it.
#[derive(Debug)]
pub struct FixedClock {
    now: AtomicI64,
    started: Instant,
    /// The nanoseconds by which the clock was advanced.
    advanced: AtomicU64,
}

impl FixedClock {
    /// Makes a clock that shows `now`.
    pub fn at(now: Timestamp) -> Self {
        Self { now: AtomicI64::new(now.as_micros()), started: Instant::now(), advanced: AtomicU64::new(0) }
    }

    /// Sets the wall clock to `now`. The monotonic clock does not move.
    pub fn set(&self, now: Timestamp) {
        self.now.store(now.as_micros(), Ordering::SeqCst);
    }

    /// Advances the wall clock and the monotonic clock by `by`.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().plus(by));
        let nanos = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        self.advanced.fetch_add(nanos, Ordering::SeqCst);
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
        Timestamp::from_micros(self.now.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Instant {
        self.started + Duration::from_nanos(self.advanced.load(Ordering::SeqCst))
    }
}
