use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use application::ports::{RelayMetrics, SinkProgress};

/// Records how far the feed and its sinks were behind.
#[derive(Debug, Default)]
pub struct RecordingRelayMetrics {
    ages: Mutex<Vec<Duration>>,
    sinks: Mutex<Vec<SinkProgress>>,
}

impl RecordingRelayMetrics {
    /// Returns every recorded age, in order.
    pub fn recorded(&self) -> Vec<Duration> {
        self.ages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns every recorded progress of a sink, in order.
    pub fn sinks(&self) -> Vec<SinkProgress> {
        self.sinks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl RelayMetrics for RecordingRelayMetrics {
    fn record_oldest_unsequenced(&self, age: Duration) {
        self.ages.lock().unwrap_or_else(PoisonError::into_inner).push(age);
    }

    fn record_sink(&self, sink: &SinkProgress) {
        self.sinks.lock().unwrap_or_else(PoisonError::into_inner).push(sink.clone());
    }
}
