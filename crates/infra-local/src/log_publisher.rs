use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use application::ports::{EventPublisher, OutboxEvent, PublishError};
use async_trait::async_trait;

use crate::LogQueue;

/// Publishes events to the log: one info line each, under the target `undertone::event`.
///
/// The log may drop lines. An event counts as delivered once its line has been written to the output, so a dropped line
/// comes again. Where the log's filter leaves the target out, nobody wants the events, and they are delivered to nobody.
pub struct LogPublisher {
    queue: Arc<LogQueue>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How many lines the log had dropped before the first event since the last flush.
    dropped_before: Option<u64>,
    /// The number of lines after which the output has caught up with a flush that it kept waiting.
    behind: Option<u64>,
}

/// How long a flush waits for the output: well below the time after which the relay renews its lease.
const FLUSH_WITHIN: Duration = Duration::from_secs(2);

/// Why an event is not certain to have been delivered.
#[derive(Debug, thiserror::Error)]
enum LogError {
    #[error("the log's output takes no lines; events wait until it does")]
    Blocked,
    #[error("the log dropped lines: its output was too slow or failed")]
    Dropped,
}

impl LogPublisher {
    /// A publisher of a log whose lines go through `queue`.
    pub fn new(queue: Arc<LogQueue>) -> Self {
        Self { queue, state: Mutex::default() }
    }

    /// Refuses while the output still has lines to take that an earlier flush has waited for in vain, so that a standstill
    /// does not fill the queue with repetitions.
    fn begin(&self) -> Result<(), LogError> {
        let mut state = self.state();
        if state.behind.is_some_and(|line| self.queue.written() < line) {
            return Err(LogError::Blocked);
        }
        state.behind = None;
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
        if let Err(line) = self.queue.flushed(FLUSH_WITHIN).await {
            self.state().behind = Some(line);
            return Err(PublishError(LogError::Blocked.into()));
        }
        // Any line that was dropped meanwhile may have been an event's.
        if self.queue.dropped() != dropped_before {
            return Err(PublishError(LogError::Dropped.into()));
        }
        Ok(())
    }
}
