use std::time::Instant;

use domain::value_objects::Timestamp;

/// The time.
pub trait Clock: Send + Sync {
    /// The present instant of the wall clock, which may be set forward and back, and differs from host to host.
    fn now(&self) -> Timestamp;

    /// The present instant of a clock that only moves forward and that nobody sets: durations are measured by it.
    fn monotonic(&self) -> Instant {
        Instant::now()
    }
}
