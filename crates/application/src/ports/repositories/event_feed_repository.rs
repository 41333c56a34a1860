use async_trait::async_trait;
use domain::value_objects::{EventId, PredictionFacts, PredictionId, TenantId, Timestamp, TraceParent};

use crate::ports::StoreError;

/// An event with its position in the feed.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedEvent {
    /// Its place in the feed of all tenants, from 1 on.
    pub position: i64,
    /// The owner of the event.
    pub tenant: TenantId,
    /// The event's id, by which receivers detect duplicates.
    pub event_id: EventId,
    /// The name of its type.
    pub event_type: String,
    /// The type of the aggregate it is about.
    pub aggregate_type: String,
    /// The id of the aggregate it is about.
    pub aggregate_id: String,
    /// The same id, where the aggregate is a prediction.
    pub prediction_id: Option<PredictionId>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The trace of the request that caused it.
    pub traceparent: Option<TraceParent>,
    /// What consumers count; none for an event that has none or was written by an older release.
    pub facts: Option<PredictionFacts>,
    /// Its other fields: a flat JSON object of `DomainEvent::payload`.
    pub payload: String,
}

/// The positions that the feed holds: above `purged`, up to `last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FeedBounds {
    /// The last position that was purged; 0 where none was.
    pub purged: i64,
    /// The last position that was given; 0 where none was.
    pub last: i64,
}

/// The events that have a position, in its order.
///
/// Implementations must return an event as it was appended (`an_event_comes_back_as_it_was_appended`), must return
/// those of one tenant alone where one is given (`the_feed_of_a_tenant_has_its_events_alone`), must return no event
/// above `up_to` (`the_feed_is_read_up_to_a_position`), and must report the positions that were given and purged
/// (`bounds_are_those_of_what_was_sequenced_and_purged`). A row that cannot be read, such as one of a newer release, is
/// left out; each process logs and counts it once.
#[async_trait]
pub trait EventFeedRepository: Send + Sync {
    /// The events above the position `after`, up to and with `up_to`, in the order of their positions: those of
    /// `tenant`, or all without one. Callers bound the memory by the difference.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn read(
        &self,
        tenant: Option<&TenantId>,
        after: i64,
        up_to: i64,
    ) -> Result<Vec<FeedEvent>, StoreError>;

    /// The positions that the feed holds.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn bounds(&self) -> Result<FeedBounds, StoreError>;
}
