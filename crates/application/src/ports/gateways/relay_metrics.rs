use std::time::Duration;

use crate::ports::SinkProgress;

/// Records the lag of the feed and of its sinks.
pub trait RelayMetrics: Send + Sync {
    /// Records the age of the oldest event without a position; zero if all have one.
    fn record_oldest_unsequenced(&self, age: Duration);

    /// Records how far a sink is.
    fn record_sink(&self, sink: &SinkProgress);
}
