use std::time::Duration;

use async_trait::async_trait;
use domain::value_objects::{EventId, PredictionId, TenantId, Timestamp};

use crate::ports::{Lease, StoreError};

/// An event that waits to be published.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxEvent {
    /// The owner of the event.
    pub tenant: TenantId,
    /// The event's id, by which receivers detect duplicates.
    pub event_id: EventId,
    /// The name of its type.
    pub event_type: String,
    /// The aggregate it is about.
    pub prediction_id: PredictionId,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Its other fields: a flat JSON object of `DomainEvent::payload`.
    pub payload: String,
}

/// The outbox of all tenants, for the relay. Times are those of the store's own clock.
///
/// Implementations must list events in the order in which their write sets were applied
/// (`outbox_events_come_in_insertion_order`), must not change an event that was marked before
/// (`marking_an_event_again_changes_nothing`), and must refuse to mark events with a lease that was lost
/// (`a_lost_lease_marks_nothing`).
///
/// A row that cannot be read must not delay those behind it. It stays unpublished and without a position, since a newer
/// release may have written it and can publish it later; each process logs and counts it once.
#[async_trait]
pub trait OutboxRelayRepository: Send + Sync {
    /// The oldest unpublished events that can be read, at most `limit`.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn list_unpublished(&self, limit: u32) -> Result<Vec<OutboxEvent>, StoreError>;

    /// The age of the oldest unpublished event that can be read; none where all are published.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn oldest_unpublished_age(&self) -> Result<Option<Duration>, StoreError>;

    /// Marks `events` as published and gives each the next position of the feed, in the given order.
    ///
    /// # Errors
    /// `Conflict` where the lease is no longer held, and then nothing is marked; `Unavailable`.
    async fn mark_published(&self, lease: &Lease, events: &[EventId]) -> Result<(), StoreError>;

    /// Deletes the oldest events that were published at least `age` ago, at most `limit`, in one statement; returns how
    /// many.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn purge_published(&self, age: Duration, limit: u32) -> Result<u64, StoreError>;
}
