use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use application::ports::RelayMetrics;

/// Records how far the relay was behind.
#[derive(Debug, Default)]
pub struct RecordingRelayMetrics(Mutex<Vec<Duration>>);

impl RecordingRelayMetrics {
    /// Returns every recorded age, in order.
    pub fn recorded(&self) -> Vec<Duration> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl RelayMetrics for RecordingRelayMetrics {
    fn record_oldest_unpublished(&self, age: Duration) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(age);
    }
}
