use std::time::Instant;

use domain::value_objects::Timestamp;

/// Reads the time.
pub trait Clock: Send + Sync {
    /// The current time of the wall clock, which can be set forward and back and differs between hosts.
    fn now(&self) -> Timestamp;

    /// The current instant of the monotonic clock, by which durations are measured.
    fn monotonic(&self) -> Instant {
        Instant::now()
    }
}
