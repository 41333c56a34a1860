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

#[cfg(test)]
mod tests {
    use domain::value_objects::{EventId, PredictionId, TenantId, Timestamp};
    use testkit::CapturedLog;

    use super::*;

    #[tokio::test]
    async fn an_event_is_one_line_with_everything_it_says() {
        let event = OutboxEvent {
            tenant: TenantId::default(),
            event_id: EventId::from_u128(7),
            event_type: "SentimentPredicted".to_owned(),
            prediction_id: PredictionId::from_u128(8),
            occurred_at: Timestamp::from_micros(1_767_323_045_678_901),
            payload: r#"{"sentiment":"positive"}"#.to_owned(),
        };
        let log = CapturedLog::start();
        assert!(LogPublisher.publish(&event).await.is_ok());

        let lines = log.under("undertone::event");
        assert_eq!(lines.len(), 1);
        assert_eq!((lines[0].level, lines[0].message.as_str()), (tracing::Level::INFO, "event published"));
        let expected = [
            ("event_id", "00000000-0000-0000-0000-000000000007"),
            ("event_type", "SentimentPredicted"),
            ("occurred_at_us", "1767323045678901"),
            ("payload", r#"{"sentiment":"positive"}"#),
            ("prediction_id", "00000000-0000-0000-0000-000000000008"),
            ("tenant", "default"),
        ];
        assert!(lines[0].fields.iter().map(|(name, value)| (*name, value.as_str())).eq(expected));
    }
}
