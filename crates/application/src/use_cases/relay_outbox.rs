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

/// Publishes the events of the outbox: at least once, in order for each prediction, by one replica at a time.
pub struct RelayOutboxUseCase {
    leases: Arc<dyn LeaseRepository>,
    outbox: Arc<dyn OutboxRelayRepository>,
    publisher: Arc<dyn EventPublisher>,
    clock: Arc<dyn Clock>,
    metrics: Arc<dyn RelayMetrics>,
    state: Mutex<State>,
}

/// What one pass leaves for the next. Instants are of the monotonic clock.
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

/// The outcome of a flush.
enum Settled {
    /// All events are delivered and marked.
    Marked,
    /// Some may not have been delivered: none is marked.
    Undelivered,
    /// All are delivered, but another replica holds the lease now: none is marked.
    LeaseLost,
}

/// The lease's name in the store.
const LEASE: &str = "outbox-relay";
/// The time to live of the lease.
const LEASE_TTL: Duration = Duration::from_secs(10);
/// The most events that one pass publishes.
const PASS_LIMIT: u32 = 256;
/// How long published events stay in the outbox.
const RETENTION: Duration = Duration::from_hours(24);
/// The pause between purges once there is nothing left to purge.
const PURGE_EVERY: Duration = Duration::from_mins(1);
/// The most events that one pass purges: more than it publishes, so that the outbox shrinks, and few enough for one
/// statement.
const PURGE_LIMIT: u32 = 1_000;
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

    /// Runs one pass: acquires the lease, or renews it once a third of its time to live has passed, publishes the
    /// oldest events until one fails, marks those that were published, and purges some of those published a day ago.
    /// Every replica records the lag, whether it holds the lease or not.
    ///
    /// # Errors
    /// `Unavailable` from the store. A failure of the publisher is logged, and its event is the first of the next pass.
    pub async fn execute(
        &self,
        request: RelayOutboxRequest,
    ) -> Result<RelayOutboxResponse, ApplicationError> {
        log_action("RelayOutboxUseCase.execute", async {
            self.record_lag().await?;
            let Some(lease) = self.lease(&request.holder).await? else {
                return Ok(RelayOutboxResponse { leads: false, published: 0, more: false });
            };
            let waiting = self.outbox.list_unpublished(PASS_LIMIT).await?;
            let (leads, published) = self.relay(&lease, &waiting).await?;
            if leads {
                self.purge().await?;
            }
            Ok(RelayOutboxResponse { leads, published, more: leads && published == PASS_LIMIT as usize })
        })
        .await
    }

    /// Records the age of the oldest unpublished event, at most once a second.
    async fn record_lag(&self) -> Result<(), ApplicationError> {
        let now = self.clock.monotonic();
        let last = self.state().observed_at;
        if last.is_none_or(|last| now.saturating_duration_since(last) >= OBSERVE_EVERY) {
            let age = self.outbox.oldest_unpublished_age().await?;
            self.metrics.record_oldest_unpublished(age.unwrap_or_default());
            self.state().observed_at = Some(now);
        }
        Ok(())
    }

    /// The lease: the one that is held while it is fresh, else acquired or renewed.
    async fn lease(&self, holder: &str) -> Result<Option<Lease>, ApplicationError> {
        let now = self.clock.monotonic();
        let fresh = |held: &Held| held.lease.holder == holder && now < held.renew_at;
        let held = self.state().held.as_ref().filter(|held| fresh(held)).map(|held| held.lease.clone());
        if held.is_some() {
            return Ok(held);
        }
        // The store grants the lease after `now`: counting from `now` renews it early rather than late.
        let lease = self.leases.acquire(LEASE, holder, LEASE_TTL).await?;
        let renew_at = now + LEASE_TTL / 3;
        self.state().held = lease.clone().map(|lease| Held { lease, renew_at });
        Ok(lease)
    }

    /// Publishes in order until one event fails, and marks the published events at the end and whenever the lease is
    /// due for renewal, so that no pass outlasts its lease. Returns whether this replica still holds the lease, and the
    /// number of events published.
    async fn relay(&self, lease: &Lease, waiting: &[OutboxEvent]) -> Result<(bool, usize), ApplicationError> {
        let mut sent = Vec::with_capacity(waiting.len());
        let mut marked = 0;
        for event in waiting {
            if self.is_renewal_due() {
                match self.settle(lease, &sent[marked..]).await? {
                    Settled::Marked => marked = sent.len(),
                    Settled::Undelivered => return Ok((true, marked)),
                    Settled::LeaseLost => return Ok((false, sent.len())),
                }
                let renewed = self.lease(&lease.holder).await?;
                if renewed.as_ref() != Some(lease) {
                    // Another replica held the lease in between and may have published the rest of this pass.
                    return Ok((renewed.is_some(), sent.len()));
                }
            }
            if let Err(error) = self.publisher.publish(event).await {
                tracing::error!(event_id = %event.event_id, error = chain(&error), "cannot publish an event");
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
    fn is_renewal_due(&self) -> bool {
        let now = self.clock.monotonic();
        self.state().held.as_ref().is_none_or(|held| held.renew_at <= now)
    }

    /// Flushes the publisher and marks `sent` as published.
    async fn settle(&self, lease: &Lease, sent: &[EventId]) -> Result<Settled, ApplicationError> {
        if sent.is_empty() {
            return Ok(Settled::Marked);
        }
        if let Err(error) = self.publisher.flush().await {
            tracing::error!(events = sent.len(), error = chain(&error), "cannot flush the publisher");
            return Ok(Settled::Undelivered);
        }
        match self.outbox.mark_published(lease, sent).await {
            Ok(()) => Ok(Settled::Marked),
            Err(StoreError::Conflict { .. }) => {
                tracing::warn!("the outbox lease was lost during a pass; its events may be published twice");
                self.state().held = None;
                Ok(Settled::LeaseLost)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Purges some of the events published a day ago: on every pass while there are more, else once a minute.
    async fn purge(&self) -> Result<(), ApplicationError> {
        let now = self.clock.monotonic();
        let last = self.state().purged_at;
        if last.is_none_or(|last| now.saturating_duration_since(last) >= PURGE_EVERY) {
            let purged = self.outbox.purge_published(RETENTION, PURGE_LIMIT).await?;
            if purged < PURGE_LIMIT.into() {
                self.state().purged_at = Some(now);
            }
        }
        Ok(())
    }

    /// Releases the lease, if this replica holds it, so that another can take over at once.
    ///
    /// # Errors
    /// `Unavailable`; the lease then expires by itself.
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
