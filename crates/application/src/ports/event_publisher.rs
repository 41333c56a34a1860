use async_trait::async_trait;

use crate::errors::BoxError;
use crate::ports::OutboxEvent;

/// Delivers events to whoever listens.
#[async_trait]
pub trait EventPublisher: Send + Sync {
    /// Publishes one event. It may come more than once; its id tells.
    ///
    /// An implementation may return before the event is delivered. It must then deliver events in the order in which they
    /// came, and `flush` must wait for them. It must return within a few seconds: the caller holds a lease.
    ///
    /// # Errors
    /// [`PublishError`] where the event is not certain to be delivered; it comes again, before any later one.
    async fn publish(&self, event: &OutboxEvent) -> Result<(), PublishError>;

    /// Waits until every event that `publish` has accepted since the last flush is delivered.
    ///
    /// # Errors
    /// [`PublishError`] where one of them is not certain to be delivered within a few seconds; all of them come again.
    async fn flush(&self) -> Result<(), PublishError> {
        Ok(())
    }
}

/// An event did not go out.
#[derive(Debug, thiserror::Error)]
#[error("the event was not published")]
pub struct PublishError(#[source] pub BoxError);
