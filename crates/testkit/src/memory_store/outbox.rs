use std::time::Duration;

use application::ports::{
    EventFeedRepository, FeedBounds, FeedEvent, Lease, OutboxRepository, SinkProgress, SinkRepository,
    SinkStep, StoreError,
};
use async_trait::async_trait;
use domain::value_objects::TenantId;

use super::{MemoryStore, Sink, State};

#[async_trait]
impl OutboxRepository for MemoryStore {
    async fn sequence(&self, lease: &Lease, limit: u32) -> Result<u32, StoreError> {
        let now = self.clock.now();
        let mut state = self.working()?;
        if !state.leases.get(&lease.name).is_some_and(|held| held.is(lease)) {
            return Err(StoreError::Conflict { entity: "lease", id: lease.name.clone() });
        }
        let state = &mut *state;
        let waiting = state.outbox.iter_mut().filter(|outgoing| outgoing.sequenced_at.is_none());
        let mut sequenced = 0;
        for outgoing in waiting.take(limit as usize) {
            state.feed.last += 1;
            outgoing.event.position = state.feed.last;
            outgoing.sequenced_at = Some(now);
            sequenced += 1;
        }
        Ok(sequenced)
    }

    async fn oldest_unsequenced_age(&self) -> Result<Option<Duration>, StoreError> {
        let state = self.working()?;
        let oldest = state.outbox.iter().find(|outgoing| outgoing.sequenced_at.is_none());
        Ok(oldest.map(|outgoing| self.clock.now().since(outgoing.event.occurred_at)))
    }

    async fn purge(&self, age: Duration, limit: u32) -> Result<u64, StoreError> {
        let until = self.clock.now().minus(age);
        let mut state = self.working()?;
        let State { outbox, feed, .. } = &mut *state;
        let mut purged = 0;
        outbox.retain(|outgoing| {
            let goes = outgoing.sequenced_at.is_some_and(|at| at <= until) && purged < limit;
            if goes {
                purged += 1;
                feed.purged = feed.purged.max(outgoing.event.position);
            }
            !goes
        });
        Ok(purged.into())
    }
}

#[async_trait]
impl EventFeedRepository for MemoryStore {
    async fn read(
        &self,
        tenant: Option<&TenantId>,
        after: i64,
        up_to: i64,
    ) -> Result<Vec<FeedEvent>, StoreError> {
        let state = self.working()?;
        let events = state.outbox.iter().filter(|outgoing| outgoing.sequenced_at.is_some());
        let events = events.map(|outgoing| &outgoing.event).filter(|event| {
            event.position > after
                && event.position <= up_to
                && tenant.is_none_or(|tenant| event.tenant == *tenant)
        });
        let mut events: Vec<_> = events.cloned().collect();
        events.sort_by_key(|event| event.position);
        Ok(events)
    }

    async fn bounds(&self) -> Result<FeedBounds, StoreError> {
        Ok(self.working()?.feed)
    }
}

#[async_trait]
impl SinkRepository for MemoryStore {
    async fn open(&self, lease: &Lease, name: &str) -> Result<i64, StoreError> {
        let mut state = self.working()?;
        let last = state.feed.last;
        let new = || Sink { position: last, fence: lease.fence, lost: 0 };
        let sink = state.sinks.0.entry(name.to_owned()).or_insert_with(new);
        if sink.fence > lease.fence {
            return Err(conflict(name));
        }
        sink.fence = lease.fence;
        Ok(sink.position)
    }

    async fn advance(&self, lease: &Lease, name: &str, step: SinkStep) -> Result<(), StoreError> {
        let mut state = self.working()?;
        let sink = state.sink_at(lease, name, step.from)?;
        sink.position = step.to;
        sink.lost += step.lost;
        Ok(())
    }

    async fn list(&self) -> Result<Vec<SinkProgress>, StoreError> {
        let now = self.clock.now();
        let state = self.working()?;
        let progress = |(name, sink): (&String, &Sink)| {
            let waiting = state.outbox.iter().filter(|outgoing| outgoing.event.position > sink.position);
            let oldest = waiting.filter_map(|outgoing| outgoing.sequenced_at).min();
            SinkProgress {
                name: name.clone(),
                position: sink.position,
                lost: sink.lost,
                behind: state.feed.last.abs_diff(sink.position.max(0)),
                lag: oldest.map(|oldest| now.since(oldest)).unwrap_or_default(),
                gap: (0..state.feed.purged).contains(&sink.position),
            }
        };
        Ok(state.sinks.0.iter().map(progress).collect())
    }
}

impl State {
    /// The sink `name`, which must be at the position `at` and opened last by `lease`.
    pub(super) fn sink_at(&mut self, lease: &Lease, name: &str, at: i64) -> Result<&mut Sink, StoreError> {
        let sink = self.sinks.0.get_mut(name);
        sink.filter(|sink| sink.fence == lease.fence && sink.position == at).ok_or_else(|| conflict(name))
    }
}

fn conflict(sink: &str) -> StoreError {
    StoreError::Conflict { entity: "sink", id: sink.to_owned() }
}
