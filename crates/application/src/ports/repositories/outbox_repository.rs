use std::time::Duration;

use async_trait::async_trait;

use crate::ports::{Lease, StoreError};

/// The events of all tenants that have no position in the feed yet. Times are those of the store's own clock.
///
/// A unit of work appends events. Sequencing gives each committed event a position, one more than the one before:
/// the order of the feed, whatever its readers do ([`EventFeedRepository`](crate::ports::EventFeedRepository)).
///
/// Implementations must give positions in the order in which the write sets were applied, so that the events of one
/// aggregate have the order in which they happened (`positions_follow_the_order_of_the_write_sets`), must give them
/// without gaps (`positions_have_no_gaps`), must not change one that was given
/// (`a_position_is_given_once`), and must refuse a lease that was lost (`a_lost_lease_sequences_nothing`).
#[async_trait]
pub trait OutboxRepository: Send + Sync {
    /// Gives the oldest events without a position, at most `limit`, the next positions; returns how many it gave.
    /// Wakes the readers of the feed where the store can.
    ///
    /// # Errors
    /// `Conflict` where the lease is no longer held, and then no position is given; `Unavailable`.
    async fn sequence(&self, lease: &Lease, limit: u32) -> Result<u32, StoreError>;

    /// The age of the oldest event without a position; none where all have one.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn oldest_unsequenced_age(&self) -> Result<Option<Duration>, StoreError>;

    /// Deletes the oldest events that got their position at least `age` ago, at most `limit`, whether or not every sink
    /// has passed them; returns how many.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn purge(&self, age: Duration, limit: u32) -> Result<u64, StoreError>;
}
