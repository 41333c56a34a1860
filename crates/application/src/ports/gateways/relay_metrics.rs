use std::time::Duration;

/// Records the lag of the outbox relay.
pub trait RelayMetrics: Send + Sync {
    /// Records the age of the oldest unpublished event; zero if all are published.
    fn record_oldest_unpublished(&self, age: Duration);
}
