use async_trait::async_trait;

use crate::errors::BoxError;
use crate::ports::OutboxEvent;

/// Tells the world what happened.
#[async_trait]
pub trait EventPublisher: Send + Sync {
    /// Publishes one event. It may come more than once; its id tells.
    ///
    /// # Errors
    /// [`PublishError`] where the event did not go out for sure; it will come again, before any later one.
    async fn publish(&self, event: &OutboxEvent) -> Result<(), PublishError>;
}

/// An event did not go out.
#[derive(Debug, thiserror::Error)]
#[error("the event was not published")]
pub struct PublishError(#[source] pub BoxError);
