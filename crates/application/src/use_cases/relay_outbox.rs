use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::value_objects::EventId;

use crate::action::{chain, log_action};
use crate::dtos::{RelayOutboxRequest, RelayOutboxResponse};
use crate::errors::ApplicationError;
use crate::ports::{
    Clock, EventPublisher, Lease, LeaseRepository, OutboxEvent, OutboxRelayRepository, RelayMetrics,
    StoreError,
};

/// Publishes what the outbox holds: at least once, in order for each prediction, by one process at a time.
pub struct RelayOutboxUseCase {
    leases: Arc<dyn LeaseRepository>,
    outbox: Arc<dyn OutboxRelayRepository>,
    publisher: Arc<dyn EventPublisher>,
    clock: Arc<dyn Clock>,
    metrics: Arc<dyn RelayMetrics>,
    state: Mutex<State>,
}

/// What one pass knows of the next. Every instant is one of the monotonic clock.
#[derive(Default)]
struct State {
    held: Option<Held>,
    purged_at: Option<Instant>,
    observed_at: Option<Instant>,
}

struct Held {
    lease: Lease,
    renew_at: Instant,
}

/// What became of the events that were handed to the publisher.
enum Settled {
    /// All of them are delivered and marked.
    Marked,
    /// They may not have been delivered: none is marked.
    Undelivered,
    /// They were delivered, but another process has the lease now: none is marked.
    LeaseLost,
}

/// The lease's name in the store.
const LEASE: &str = "outbox-relay";
/// How long the lease runs without being renewed.
const LEASE_TTL: Duration = Duration::from_secs(10);
/// The events of one pass.
const PASS: u32 = 256;
/// How long published events stay in the outbox.
const KEPT: Duration = Duration::from_hours(24);
/// How often the relay looks for events to purge, once it has purged them all.
const PURGE_EVERY: Duration = Duration::from_mins(1);
/// The events that one pass purges: more than it publishes, so that the outbox shrinks, and few enough for one statement.
const PURGED_AT_ONCE: u32 = 1_000;
/// How often the age of the oldest unpublished event is recorded.
const OBSERVE_EVERY: Duration = Duration::from_secs(1);

impl RelayOutboxUseCase {
    /// The use case over its ports.
    pub fn new(
        leases: Arc<dyn LeaseRepository>,
        outbox: Arc<dyn OutboxRelayRepository>,
        publisher: Arc<dyn EventPublisher>,
        clock: Arc<dyn Clock>,
        metrics: Arc<dyn RelayMetrics>,
    ) -> Self {
        Self { leases, outbox, publisher, clock, metrics, state: Mutex::default() }
    }

    /// One pass: takes the lease, or renews it when a third of it has run, publishes the oldest events until one fails, marks
    /// those that went out, and purges some of those that went out a day ago. Every process records how far the feed is
    /// behind, whether it holds the lease or not.
    ///
    /// # Errors
    /// `Unavailable` from the store. That a publisher failed is logged, and its event comes first in the next pass.
    pub async fn execute(
        &self,
        request: RelayOutboxRequest,
    ) -> Result<RelayOutboxResponse, ApplicationError> {
        log_action("RelayOutboxUseCase.execute", async {
            self.observe().await?;
            let Some(lease) = self.lease(&request.holder).await? else {
                return Ok(RelayOutboxResponse { leads: false, published: 0, more: false });
            };
            let waiting = self.outbox.list_unpublished(PASS).await?;
            let (leads, published) = self.relay(&lease, &waiting).await?;
            if leads {
                self.purge().await?;
            }
            Ok(RelayOutboxResponse { leads, published, more: leads && published == PASS as usize })
        })
        .await
    }

    /// Records the age of the oldest unpublished event, once in a while.
    async fn observe(&self) -> Result<(), ApplicationError> {
        let now = self.clock.monotonic();
        let last = self.state().observed_at;
        if last.is_none_or(|last| now.saturating_duration_since(last) >= OBSERVE_EVERY) {
            let age = self.outbox.oldest_unpublished_age().await?;
            self.metrics.record_oldest_unpublished(age.unwrap_or_default());
            self.state().observed_at = Some(now);
        }
        Ok(())
    }

    /// The lease: as it is held while it is fresh, else taken or renewed.
    async fn lease(&self, holder: &str) -> Result<Option<Lease>, ApplicationError> {
        let now = self.clock.monotonic();
        let fresh = |held: &Held| held.lease.holder == holder && now < held.renew_at;
        let held = self.state().held.as_ref().filter(|held| fresh(held)).map(|held| held.lease.clone());
        if held.is_some() {
            return Ok(held);
        }
        // The lease runs from some moment after `now`, when the store grants it: renewing counts from `now`, to be early.
        let lease = self.leases.acquire(LEASE, holder, LEASE_TTL).await?;
        let renew_at = now + LEASE_TTL / 3;
        self.state().held = lease.clone().map(|lease| Held { lease, renew_at });
        Ok(lease)
    }

    /// Publishes in order until one event fails, and marks what went out: at the end, and whenever the lease is due for
    /// renewal, so that no pass outlasts its lease. Returns whether this process still holds the lease, and how many events
    /// went out.
    async fn relay(&self, lease: &Lease, waiting: &[OutboxEvent]) -> Result<(bool, usize), ApplicationError> {
        let mut sent = Vec::with_capacity(waiting.len());
        let mut marked = 0;
        for event in waiting {
            if self.is_due() {
                match self.settle(lease, &sent[marked..]).await? {
                    Settled::Marked => marked = sent.len(),
                    Settled::Undelivered => return Ok((true, marked)),
                    Settled::LeaseLost => return Ok((false, sent.len())),
                }
                let renewed = self.lease(&lease.holder).await?;
                if renewed.as_ref() != Some(lease) {
                    // Another process had the lease in between and may have published what is left of this pass.
                    return Ok((renewed.is_some(), sent.len()));
                }
            }
            if let Err(error) = self.publisher.publish(event).await {
                tracing::error!(event_id = %event.event_id, error = chain(&error), "an event was not published");
                break;
            }
            sent.push(event.event_id);
        }
        Ok(match self.settle(lease, &sent[marked..]).await? {
            Settled::Marked => (true, sent.len()),
            Settled::Undelivered => (true, marked),
            Settled::LeaseLost => (false, sent.len()),
        })
    }

    /// Whether the lease has to be renewed.
    fn is_due(&self) -> bool {
        let now = self.clock.monotonic();
        self.state().held.as_ref().is_none_or(|held| held.renew_at <= now)
    }

    /// Makes sure that `sent` is delivered, and marks it.
    async fn settle(&self, lease: &Lease, sent: &[EventId]) -> Result<Settled, ApplicationError> {
        if sent.is_empty() {
            return Ok(Settled::Marked);
        }
        if let Err(error) = self.publisher.flush().await {
            tracing::error!(events = sent.len(), error = chain(&error), "events were not published");
            return Ok(Settled::Undelivered);
        }
        match self.outbox.mark_published(lease, sent).await {
            Ok(()) => Ok(Settled::Marked),
            Err(StoreError::Conflict { .. }) => {
                tracing::warn!("the relay's lease was lost during a pass; its events may come twice");
                self.state().held = None;
                Ok(Settled::LeaseLost)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Purges some of what was published a day ago: on every pass while there is more, else once a minute.
    async fn purge(&self) -> Result<(), ApplicationError> {
        let now = self.clock.monotonic();
        let last = self.state().purged_at;
        if last.is_none_or(|last| now.saturating_duration_since(last) >= PURGE_EVERY) {
            let purged = self.outbox.purge_published(KEPT, PURGED_AT_ONCE).await?;
            if purged < PURGED_AT_ONCE.into() {
                self.state().purged_at = Some(now);
            }
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
