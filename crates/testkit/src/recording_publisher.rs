use std::sync::{Mutex, MutexGuard, PoisonError};

use application::ports::{EventPublisher, OutboxEvent, PublishError};
use async_trait::async_trait;

/// Remembers what was published, and fails as often as it is told to.
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
    /// One that takes everything.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next `count` events do not go out.
    pub fn fail_next(&self, count: usize) {
        self.fail_after(0, count);
    }

    /// The next `good` events go out, and the `count` behind them do not.
    pub fn fail_after(&self, good: usize, count: usize) {
        let mut state = self.lock();
        (state.good, state.bad) = (good, count);
    }

    /// The next `count` flushes fail: what was published before them may not have been delivered.
    pub fn fail_flushes(&self, count: usize) {
        self.lock().bad_flushes = count;
    }

    /// What went out, in order.
    pub fn published(&self) -> Vec<OutboxEvent> {
        self.lock().published.clone()
    }

    /// What was to go out and did not, in order.
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
