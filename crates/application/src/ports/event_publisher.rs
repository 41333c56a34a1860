use async_trait::async_trait;

use crate::errors::BoxError;
use crate::ports::OutboxEvent;

/// Publishes events.
#[async_trait]
pub trait EventPublisher: Send + Sync {
    /// Publishes one event, possibly more than once: receivers recognize duplicates by the event's id.
    ///
    /// Implementations may return before the event is delivered. They must then deliver events in the order of the
    /// calls, and `flush` must wait for them. They must return within a few seconds, since the caller holds a lease.
    ///
    /// # Errors
    /// [`PublishError`] if the event may not have been delivered; it is published again, before any later one.
    async fn publish(&self, event: &OutboxEvent) -> Result<(), PublishError>;

    /// Waits until every event that `publish` has accepted since the last flush is delivered.
    ///
    /// # Errors
    /// [`PublishError`] if one of them was not certainly delivered within a few seconds; all of them are published
    /// again.
    async fn flush(&self) -> Result<(), PublishError> {
        Ok(())
    }
}

/// An event was not published.
#[derive(Debug, thiserror::Error)]
#[error("the event was not published")]
pub struct PublishError(#[source] pub BoxError);
