use std::sync::Arc;

use crate::action::{chain, log_action};
use crate::dtos::SinkPass;
use crate::errors::ApplicationError;
use crate::ports::{
    EventFeedRepository, EventPublisher, FeedEvent, Lease, SinkRepository, SinkStep, StoreError,
};
use crate::use_cases::Leadership;
use crate::use_cases::sink_cursor::SinkCursor;

/// Delivers the events of the feed to one publisher: at least once, in the order of their positions, by one replica at
/// a time. A publisher that fails delays neither the feed nor other sinks.
pub struct DeliverEventsUseCase {
    leadership: Arc<Leadership>,
    feed: Arc<dyn EventFeedRepository>,
    sinks: Arc<dyn SinkRepository>,
    publisher: Arc<dyn EventPublisher>,
    cursor: SinkCursor,
}

/// The most events that one pass publishes.
const PASS_LIMIT: i64 = 256;

impl DeliverEventsUseCase {
    /// The use case over its ports.
    pub fn new(
        leadership: Arc<Leadership>,
        feed: Arc<dyn EventFeedRepository>,
        sinks: Arc<dyn SinkRepository>,
        publisher: Arc<dyn EventPublisher>,
    ) -> Self {
        let cursor = SinkCursor::of(publisher.name());
        Self { leadership, feed, sinks, publisher, cursor }
    }

    /// The name of the sink.
    pub fn sink(&self) -> &'static str {
        self.publisher.name()
    }

    /// Publishes the next events and moves the sink past those that were delivered before the first failure. Where
    /// events were purged before the sink passed them, it goes on after them and counts them as lost.
    ///
    /// # Errors
    /// `Unavailable` from the store. A failure of the publisher is logged, and its event is the first of the next pass.
    pub async fn execute(&self) -> Result<SinkPass, ApplicationError> {
        log_action("DeliverEventsUseCase.execute", async {
            let Some(lease) = self.leadership.lease().await? else { return Ok(SinkPass::FOLLOWER) };
            match self.pass(&lease).await {
                Err(ApplicationError::Conflict { .. }) => {
                    // Another replica leads now and has opened the sink.
                    self.cursor.forget();
                    self.leadership.lost(&lease);
                    Ok(SinkPass::FOLLOWER)
                }
                passed => passed,
            }
        })
        .await
    }

    async fn pass(&self, lease: &Lease) -> Result<SinkPass, ApplicationError> {
        let mut position = self.cursor.position(self.sinks.as_ref(), lease).await?;
        let bounds = self.feed.bounds().await?;
        if position < bounds.purged {
            let lost = bounds.purged.abs_diff(position.max(0));
            let sink = self.sink();
            tracing::error!(sink, lost, "events were purged before the sink passed them");
            self.advance(lease, SinkStep { from: position, to: bounds.purged, lost }).await?;
            position = bounds.purged;
        }
        let up_to = bounds.last.min(position + PASS_LIMIT);
        if up_to <= position {
            return Ok(SinkPass { leads: true, passed: 0, more: false, failed: false });
        }
        let events = self.feed.read(None, position, up_to).await?;
        let failed_at = self.publish(&events).await;
        let reached = failed_at.map_or(up_to, |failed_at| failed_at - 1);
        if reached > position {
            self.advance(lease, SinkStep { from: position, to: reached, lost: 0 }).await?;
        }
        let (failed, passed) = (failed_at.is_some(), reached.abs_diff(position));
        Ok(SinkPass { leads: true, passed, more: !failed && reached < bounds.last, failed })
    }

    /// Publishes `events`; returns the position of the first that failed.
    async fn publish(&self, events: &[FeedEvent]) -> Option<i64> {
        let results = self.publisher.publish(events).await;
        let (failed, error) =
            events.iter().zip(results).find_map(|(event, result)| Some((event, result.err()?)))?;
        let (sink, event_id) = (self.sink(), failed.event_id);
        tracing::error!(sink, %event_id, error = chain(&error), "cannot publish an event");
        Some(failed.position)
    }

    async fn advance(&self, lease: &Lease, step: SinkStep) -> Result<(), StoreError> {
        self.sinks.advance(lease, self.sink(), step).await?;
        self.cursor.moved(lease, step.to);
        Ok(())
    }
}
