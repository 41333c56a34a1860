use std::sync::Arc;
use std::time::Duration;

use application::errors::BoxError;
use application::ports::{HealthCheck, SinkProgress, SinkRepository};
use async_trait::async_trait;

/// Fails while events were purged that a sink of the feed has not passed, and while a sink is far behind. Predictions
/// are served and stored all the same.
pub struct EventsHealthCheck {
    sinks: Arc<dyn SinkRepository>,
}

/// How far behind a sink may be.
const MOST_LAG: Duration = Duration::from_mins(1);

/// Why the events are not well.
#[derive(Debug, thiserror::Error)]
enum EventsError {
    #[error("the sink {name} has a gap: events were purged that it has not passed ({behind} behind)")]
    Gap { name: String, behind: u64 },
    #[error("the sink {name} is {lag_s} s behind ({behind} events)")]
    Behind { name: String, behind: u64, lag_s: u64 },
}

impl EventsHealthCheck {
    /// A check of these sinks.
    pub fn new(sinks: Arc<dyn SinkRepository>) -> Self {
        Self { sinks }
    }
}

fn fault(sink: SinkProgress) -> Option<EventsError> {
    let SinkProgress { name, behind, lag, gap, .. } = sink;
    if gap {
        return Some(EventsError::Gap { name, behind });
    }
    (lag > MOST_LAG).then_some(EventsError::Behind { name, behind, lag_s: lag.as_secs() })
}

#[async_trait]
impl HealthCheck for EventsHealthCheck {
    fn name(&self) -> &'static str {
        "events"
    }

    fn is_vital(&self) -> bool {
        false
    }

    async fn check(&self) -> Result<(), BoxError> {
        match self.sinks.list().await?.into_iter().find_map(fault) {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use application::ports::{LeaseRepository, OutboxRepository, SinkStep, UnitOfWork, WriteStore};
    use domain::entities::Prediction;
    use domain::value_objects::{EventId, PredictionId, TenantId, Timestamp};
    use testkit::{FixedClock, MemoryStore};

    use super::*;

    #[tokio::test]
    async fn a_sink_that_is_far_behind_or_has_missed_events_is_reported() {
        let clock = Arc::new(FixedClock::default());
        let store = MemoryStore::with_clock(clock.clone());
        let check = EventsHealthCheck::new(Arc::new(store.clone()));
        let ttl = Duration::from_hours(1);
        let lease = store.acquire("outbox-relay", "a", ttl).await.unwrap().unwrap();
        for sink in ["analytics", "log"] {
            let at = store.open(&lease, sink).await.unwrap();
            store.advance(&lease, sink, SinkStep { from: at, to: 0, lost: 0 }).await.unwrap();
        }
        check.check().await.unwrap();

        let mut work = UnitOfWork::of(&TenantId::default());
        let (id, event) = (PredictionId::from_u128(1), EventId::from_u128(2));
        work.append(&[Prediction::deleted(id, None, event, Timestamp::from_micros(0))]);
        store.commit(work).await.unwrap();
        store.sequence(&lease, 10).await.unwrap();
        check.check().await.unwrap();
        clock.advance(Duration::from_secs(61));
        let behind = check.check().await.unwrap_err().to_string();
        assert_eq!(behind, "the sink analytics is 61 s behind (1 events)");
        store.advance(&lease, "analytics", SinkStep { from: 0, to: 1, lost: 0 }).await.unwrap();
        store.purge(Duration::ZERO, 10).await.unwrap();
        let gap = check.check().await.unwrap_err().to_string();
        assert_eq!(gap, "the sink log has a gap: events were purged that it has not passed (1 behind)");
        store.advance(&lease, "log", SinkStep { from: 0, to: 1, lost: 1 }).await.unwrap();
        check.check().await.unwrap();
        assert!(!check.is_vital());
    }
}
