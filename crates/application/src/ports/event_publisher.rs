use async_trait::async_trait;

use crate::errors::BoxError;
use crate::ports::FeedEvent;

/// Publishes events to one destination.
#[async_trait]
pub trait EventPublisher: Send + Sync {
    /// The name of the destination, which is that of its sink.
    fn name(&self) -> &'static str;

    /// Publishes events in their order, possibly more than once: receivers recognize duplicates by the event's id.
    /// Returns one result for each event, once it is delivered or has failed.
    ///
    /// Implementations must return within a few seconds, since the caller holds a lease, and must not deliver an event
    /// after one of the same aggregate that failed. Events from the first failed one on are published again.
    async fn publish(&self, events: &[FeedEvent]) -> Vec<Result<(), PublishError>>;
}

/// An event was not published.
#[derive(Debug, thiserror::Error)]
#[error("the event was not published")]
pub struct PublishError(#[source] pub BoxError);
