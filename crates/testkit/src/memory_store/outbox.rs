use std::time::Duration;

use application::ports::{Lease, OutboxEvent, OutboxRelayRepository, StoreError};
use async_trait::async_trait;
use domain::value_objects::EventId;

use super::MemoryStore;

#[async_trait]
impl OutboxRelayRepository for MemoryStore {
    async fn list_unpublished(&self, limit: u32) -> Result<Vec<OutboxEvent>, StoreError> {
        let state = self.working()?;
        let waiting = state.outbox.iter().filter(|outgoing| outgoing.published_at.is_none());
        Ok(waiting.take(limit as usize).map(|outgoing| outgoing.event.clone()).collect())
    }

    async fn oldest_unpublished_age(&self) -> Result<Option<Duration>, StoreError> {
        let oldest = self.list_unpublished(1).await?;
        let age = |event: &OutboxEvent| self.clock.now().as_micros() - event.occurred_at.as_micros();
        Ok(oldest.first().map(|event| Duration::from_micros(age(event).max(0).unsigned_abs())))
    }

    async fn mark_published(&self, lease: &Lease, events: &[EventId]) -> Result<(), StoreError> {
        let mut state = self.working()?;
        if !state.leases.get(&lease.name).is_some_and(|held| held.is(lease)) {
            return Err(StoreError::Conflict { entity: "lease", id: lease.name.clone() });
        }
        let now = self.clock.now();
        for outgoing in &mut state.outbox {
            if events.contains(&outgoing.event.event_id) {
                outgoing.published_at.get_or_insert(now);
            }
        }
        Ok(())
    }

    async fn purge_published(&self, age: Duration, limit: u32) -> Result<u64, StoreError> {
        let mut state = self.working()?;
        let until = self.clock.now().minus(age);
        let mut purged = 0;
        state.outbox.retain(|outgoing| {
            let goes = outgoing.published_at.is_some_and(|published| published <= until) && purged < limit;
            purged += u32::from(goes);
            !goes
        });
        Ok(purged.into())
    }
}
