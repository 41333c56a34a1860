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
    held: Option<Lease>,
    purged_at: Option<Timestamp>,
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

    /// One pass: takes or renews the lease, publishes the oldest events until one fails, marks those that went
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
            let lease = self.leases.acquire(LEASE, &request.holder, now, LEASE_TTL).await?;
            self.hold(lease.clone());
            let Some(lease) = lease else {
                return Ok(RelayOutboxResponse { leads: false, published: 0, more: false });
            };
            let waiting = self.outbox.list_unpublished(PASS).await?;
            let sent = self.publish(&waiting).await;
            match self.outbox.mark_published(&lease, &sent, self.clock.now()).await {
                Ok(()) => {}
                Err(StoreError::Conflict { .. }) => {
                    tracing::warn!("the relay's lease was lost during a pass; its events may come twice");
                    self.hold(None);
                    return Ok(RelayOutboxResponse { leads: false, published: sent.len(), more: false });
                }
                Err(error) => return Err(error.into()),
            }
            self.purge(now).await?;
            let more = sent.len() == PASS as usize;
            Ok(RelayOutboxResponse { leads: true, published: sent.len(), more })
        })
        .await
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
        if let Some(lease) = held {
            self.leases.release(&lease).await?;
        }
        Ok(())
    }

    fn hold(&self, lease: Option<Lease>) {
        self.state().held = lease;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
