use std::sync::{Mutex, MutexGuard, PoisonError};

use application::ports::{EventPublisher, OutboxEvent, PublishError};
use async_trait::async_trait;

/// Records the published events, and fails as often as a test sets it to.
#[derive(Debug, Default)]
pub struct RecordingPublisher {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    published: Vec<OutboxEvent>,
    refused: Vec<OutboxEvent>,
    good: usize,
    bad: usize,
    bad_flushes: usize,
}

impl RecordingPublisher {
    /// Makes a publisher that accepts every event.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the next `count` events fail.
    pub fn fail_next(&self, count: usize) {
        self.fail_after(0, count);
    }

    /// Makes the `count` events after the next `good` ones fail.
    pub fn fail_after(&self, good: usize, count: usize) {
        let mut state = self.lock();
        (state.good, state.bad) = (good, count);
    }

    /// Makes the next `count` flushes fail: earlier events may not have been delivered.
    pub fn fail_flushes(&self, count: usize) {
        self.lock().bad_flushes = count;
    }

    /// Returns the published events, in order.
    pub fn published(&self) -> Vec<OutboxEvent> {
        self.lock().published.clone()
    }

    /// Returns the events that failed, in order.
    pub fn refused(&self) -> Vec<OutboxEvent> {
        self.lock().refused.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl EventPublisher for RecordingPublisher {
    async fn publish(&self, event: &OutboxEvent) -> Result<(), PublishError> {
        let mut state = self.lock();
        if state.bad > 0 && state.good == 0 {
            state.bad -= 1;
            state.refused.push(event.clone());
            return Err(PublishError("the receiver is away".into()));
        }
        state.good = state.good.saturating_sub(1);
        state.published.push(event.clone());
        Ok(())
    }

    async fn flush(&self) -> Result<(), PublishError> {
        let mut state = self.lock();
        if state.bad_flushes > 0 {
            state.bad_flushes -= 1;
            return Err(PublishError("the receiver is silent".into()));
        }
        Ok(())
    }
}
