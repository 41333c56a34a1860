use application::ports::{EventPublisher, OutboxEvent, PublishError};
use async_trait::async_trait;

/// Publishes events to the log: one info line each, under the target `undertone::event`.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogPublisher;

#[async_trait]
impl EventPublisher for LogPublisher {
    async fn publish(&self, event: &OutboxEvent) -> Result<(), PublishError> {
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
}
