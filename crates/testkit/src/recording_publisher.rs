use std::sync::{Mutex, MutexGuard, PoisonError};

use application::ports::{EventPublisher, FeedEvent, PublishError};
use async_trait::async_trait;

/// Records the published events, and fails as often as a test sets it to.
#[derive(Debug, Default)]
pub struct RecordingPublisher {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    published: Vec<FeedEvent>,
    refused: Vec<FeedEvent>,
    good: usize,
    bad: usize,
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

    /// Returns the published events, in order.
    pub fn published(&self) -> Vec<FeedEvent> {
        self.lock().published.clone()
    }

    /// Returns the events that failed, in order.
    pub fn refused(&self) -> Vec<FeedEvent> {
        self.lock().refused.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl EventPublisher for RecordingPublisher {
    fn name(&self) -> &'static str {
        "log"
    }

    async fn publish(&self, events: &[FeedEvent]) -> Vec<Result<(), PublishError>> {
        let mut state = self.lock();
        let publish = |event: &FeedEvent| {
            if state.bad > 0 && state.good == 0 {
                state.bad -= 1;
                state.refused.push(event.clone());
                return Err(PublishError("the receiver is away".into()));
            }
            state.good = state.good.saturating_sub(1);
            state.published.push(event.clone());
            Ok(())
        };
        events.iter().map(publish).collect()
    }
}
