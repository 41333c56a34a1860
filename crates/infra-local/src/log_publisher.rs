use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use application::ports::{EventPublisher, OutboxEvent, PublishError};
use async_trait::async_trait;

use crate::LogQueue;

/// Publishes each event as an info line of the log, with the target `undertone::event`.
///
/// The log may drop lines. An event counts as delivered once its line has been written to the output, so the event of a
/// dropped line is published again. If the log's filter excludes the target, events are discarded.
pub struct LogPublisher {
    queue: Arc<LogQueue>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The number of dropped lines before the first event since the last flush.
    dropped_before: Option<u64>,
    /// The number of lines that must be written before events are accepted again, after a flush that timed out.
    blocked_until: Option<u64>,
}

/// How long a flush waits for the output; well below the interval at which the relay renews its lease.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// Why events may not have been delivered.
#[derive(Debug, thiserror::Error)]
enum LogError {
    #[error("the log's output is blocked; events wait until it accepts lines again")]
    Blocked,
    #[error("the log dropped lines: its output was too slow or failed")]
    Dropped,
}

impl LogPublisher {
    /// Makes a publisher for the log whose lines go through `queue`.
    pub fn new(queue: Arc<LogQueue>) -> Self {
        Self { queue, state: Mutex::default() }
    }

    /// Fails while the output has not written the lines of a flush that timed out, so that events published again do
    /// not fill the queue of a blocked output.
    fn begin(&self) -> Result<(), LogError> {
        let mut state = self.state();
        if state.blocked_until.is_some_and(|line| self.queue.written() < line) {
            return Err(LogError::Blocked);
        }
        state.blocked_until = None;
        state.dropped_before.get_or_insert_with(|| self.queue.dropped());
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl EventPublisher for LogPublisher {
    async fn publish(&self, event: &OutboxEvent) -> Result<(), PublishError> {
        if !tracing::enabled!(target: "undertone::event", tracing::Level::INFO) {
            return Ok(());
        }
        self.begin().map_err(|error| PublishError(error.into()))?;
        tracing::info!(
            target: "undertone::event",
            event_id = %event.event_id,
            event_type = event.event_type,
            prediction_id = %event.prediction_id,
            tenant = %event.tenant,
            occurred_at_us = event.occurred_at.as_micros(),
            payload = event.payload,
            "event published"
        );
        Ok(())
    }

    async fn flush(&self) -> Result<(), PublishError> {
        let Some(dropped_before) = self.state().dropped_before.take() else { return Ok(()) };
        if let Err(line) = self.queue.flushed(FLUSH_TIMEOUT).await {
            self.state().blocked_until = Some(line);
            return Err(PublishError(LogError::Blocked.into()));
        }
        // Each dropped line may be that of an event.
        if self.queue.dropped() != dropped_before {
            return Err(PublishError(LogError::Dropped.into()));
        }
        Ok(())
    }
}
