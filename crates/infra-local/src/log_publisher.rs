use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use application::ports::{EventPublisher, FeedEvent, PublishError};
use async_trait::async_trait;

use crate::LogQueue;

/// Publishes each event as an info line of the log, with the target `undertone::event`.
///
/// The log may drop lines. An event counts as delivered once its line has been written to the output, so the event of a
/// dropped line is published again. If the log's filter excludes the target, events are discarded.
pub struct LogPublisher {
    queue: Arc<LogQueue>,
    /// The number of lines that must be written before events are accepted again, after an output that was blocked.
    blocked_until: Mutex<Option<u64>>,
}

/// How long to wait for the output; well below the interval at which the relay renews its lease.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// Why events may not have been delivered.
#[derive(Debug, Clone, Copy, thiserror::Error)]
enum LogError {
    #[error("the log's output is blocked; events wait until it accepts lines again")]
    Blocked,
    #[error("the log dropped lines: its output was too slow or failed")]
    Dropped,
}

impl LogPublisher {
    /// Makes a publisher for the log whose lines go through `queue`.
    pub fn new(queue: Arc<LogQueue>) -> Self {
        Self { queue, blocked_until: Mutex::default() }
    }

    /// Whether the output has not written the lines that it was given when it was blocked, so that events published
    /// again do not fill the queue.
    fn is_blocked(&self) -> bool {
        let mut blocked_until = self.blocked_until();
        if blocked_until.is_some_and(|line| self.queue.written() < line) {
            return true;
        }
        *blocked_until = None;
        false
    }

    /// Writes a line for each event and waits until the output has them all.
    async fn write(&self, events: &[FeedEvent]) -> Result<(), LogError> {
        if self.is_blocked() {
            return Err(LogError::Blocked);
        }
        let dropped_before = self.queue.dropped();
        events.iter().for_each(log_line);
        if let Err(line) = self.queue.flushed(FLUSH_TIMEOUT).await {
            *self.blocked_until() = Some(line);
            return Err(LogError::Blocked);
        }
        // Each dropped line may be that of an event.
        if self.queue.dropped() == dropped_before { Ok(()) } else { Err(LogError::Dropped) }
    }

    fn blocked_until(&self) -> MutexGuard<'_, Option<u64>> {
        self.blocked_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn log_line(event: &FeedEvent) {
    tracing::info!(
        target: "undertone::event",
        event_id = %event.event_id,
        event_type = event.event_type,
        prediction_id = event.prediction_id.map(tracing::field::display),
        position = event.position,
        tenant = %event.tenant,
        occurred_at_us = event.occurred_at.as_micros(),
        payload = event.payload,
        "event published"
    );
}

#[async_trait]
impl EventPublisher for LogPublisher {
    fn name(&self) -> &'static str {
        "log"
    }

    async fn publish(&self, events: &[FeedEvent]) -> Vec<Result<(), PublishError>> {
        let is_enabled = tracing::enabled!(target: "undertone::event", tracing::Level::INFO);
        let written = if is_enabled { self.write(events).await } else { Ok(()) };
        let outcome = |_: &FeedEvent| written.map_err(|error| PublishError(error.into()));
        events.iter().map(outcome).collect()
    }
}
