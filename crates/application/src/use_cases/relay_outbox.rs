use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::value_objects::{EventId, Timestamp};

use crate::action::{chain, log_action};
use crate::dtos::{RelayOutboxRequest, RelayOutboxResponse};
use crate::errors::ApplicationError;
use crate::ports::{
    Clock, EventPublisher, Lease, LeaseRepository, OutboxEvent, OutboxRelayRepository, StoreError,
};

/// Publishes what the outbox holds: at least once, in order for each prediction, by one process at a time.
pub struct RelayOutboxUseCase {
    leases: Arc<dyn LeaseRepository>,
    outbox: Arc<dyn OutboxRelayRepository>,
    publisher: Arc<dyn EventPublisher>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    purged_at: Option<Timestamp>,
}

struct Held {
    lease: Lease,
    renew_at: Timestamp,
}

/// The lease's name in the store.
const LEASE: &str = "outbox-relay";
/// How long the lease runs without being renewed.
const LEASE_TTL: Duration = Duration::from_secs(10);
/// The events of one pass.
const PASS: u32 = 256;
/// How long published events stay in the outbox.
const KEPT: Duration = Duration::from_hours(24);
/// How often the relay looks for events to forget.
const PURGE_EVERY: Duration = Duration::from_mins(1);

impl RelayOutboxUseCase {
    /// The use case over its ports.
    pub fn new(
        leases: Arc<dyn LeaseRepository>,
        outbox: Arc<dyn OutboxRelayRepository>,
        publisher: Arc<dyn EventPublisher>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { leases, outbox, publisher, clock, state: Mutex::default() }
    }

    /// One pass: takes the lease, or renews it when a third of it has run, publishes the oldest events until one fails, marks those that went
    /// out, and forgets those that went out a day ago.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt` from the store. That a publisher failed is logged, and its event comes first
    /// in the next pass.
    pub async fn execute(
        &self,
        request: RelayOutboxRequest,
    ) -> Result<RelayOutboxResponse, ApplicationError> {
        log_action("RelayOutboxUseCase.execute", async {
            let now = self.clock.now();
            let Some(lease) = self.lease(&request.holder, now).await? else {
                return Ok(RelayOutboxResponse { leads: false, published: 0, more: false });
            };
            let waiting = self.outbox.list_unpublished(PASS).await?;
            let sent = self.publish(&waiting).await;
            let leads = sent.is_empty() || self.mark(&lease, &sent).await?;
            self.purge(now).await?;
            let more = leads && sent.len() == PASS as usize;
            Ok(RelayOutboxResponse { leads, published: sent.len(), more })
        })
        .await
    }

    /// The lease: as it is held while it is fresh, else taken or renewed.
    async fn lease(&self, holder: &str, now: Timestamp) -> Result<Option<Lease>, ApplicationError> {
        let fresh = |held: &Held| held.lease.holder == holder && now < held.renew_at;
        let held = self.state().held.as_ref().filter(|held| fresh(held)).map(|held| held.lease.clone());
        if held.is_some() {
            return Ok(held);
        }
        let lease = self.leases.acquire(LEASE, holder, now, LEASE_TTL).await?;
        let renew_at = now.plus(LEASE_TTL / 3);
        self.state().held = lease.clone().map(|lease| Held { lease, renew_at });
        Ok(lease)
    }

    /// Marks what went out; tells whether this process still held the lease.
    async fn mark(&self, lease: &Lease, sent: &[EventId]) -> Result<bool, ApplicationError> {
        match self.outbox.mark_published(lease, sent, self.clock.now()).await {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict { .. }) => {
                tracing::warn!("the relay's lease was lost during a pass; its events may come twice");
                self.state().held = None;
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Publishes in order until one event fails; gives the ids of those that went out.
    async fn publish(&self, waiting: &[OutboxEvent]) -> Vec<EventId> {
        let mut sent = Vec::with_capacity(waiting.len());
        for event in waiting {
            if let Err(error) = self.publisher.publish(event).await {
                tracing::error!(event_id = %event.event_id, error = chain(&error), "an event was not published");
                break;
            }
            sent.push(event.event_id);
        }
        sent
    }

    async fn purge(&self, now: Timestamp) -> Result<(), ApplicationError> {
        let last = self.state().purged_at;
        if last.is_none_or(|last| last.plus(PURGE_EVERY) <= now) {
            self.outbox.purge_published(now.minus(KEPT)).await?;
            self.state().purged_at = Some(now);
        }
        Ok(())
    }

    /// Gives the lease back, if this process holds it, so that another takes over at once.
    ///
    /// # Errors
    /// `Unavailable`; the lease then runs out by itself.
    pub async fn step_down(&self) -> Result<(), ApplicationError> {
        let held = self.state().held.take();
        if let Some(held) = held {
            self.leases.release(&held.lease).await?;
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
