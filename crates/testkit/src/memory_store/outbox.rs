use application::ports::{Lease, OutboxEvent, OutboxRelayRepository, StoreError};
use async_trait::async_trait;
use domain::value_objects::{EventId, Timestamp};

use super::MemoryStore;

#[async_trait]
impl OutboxRelayRepository for MemoryStore {
    async fn list_unpublished(&self, limit: u32) -> Result<Vec<OutboxEvent>, StoreError> {
        let state = self.working()?;
        let waiting = state.outbox.iter().filter(|outgoing| outgoing.published_at.is_none());
        Ok(waiting.take(limit as usize).map(|outgoing| outgoing.event.clone()).collect())
    }

    async fn mark_published(
        &self,
        lease: &Lease,
        events: &[EventId],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut state = self.working()?;
        if !state.leases.get(&lease.name).is_some_and(|held| held.is(lease)) {
            return Err(StoreError::Conflict { entity: "lease", id: lease.name.clone() });
        }
        for outgoing in &mut state.outbox {
            if events.contains(&outgoing.event.event_id) {
                outgoing.published_at.get_or_insert(now);
            }
        }
        Ok(())
    }

    async fn purge_published(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut state = self.working()?;
        let count = state.outbox.len();
        state.outbox.retain(|outgoing| outgoing.published_at.is_none_or(|published| published >= before));
        Ok((count - state.outbox.len()) as u64)
    }
}
