use std::time::Duration;

/// Records how far the relay of events is behind.
pub trait RelayMetrics: Send + Sync {
    /// Records how long ago the oldest event happened that is not published yet; zero where all are published.
    fn record_oldest_unpublished(&self, age: Duration);
}
