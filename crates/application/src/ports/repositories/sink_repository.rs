use std::time::Duration;

use async_trait::async_trait;

use crate::ports::{Lease, StoreError};

/// A move of a sink's cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SinkStep {
    /// The position where the cursor is.
    pub from: i64,
    /// The position that it moves to.
    pub to: i64,
    /// The events in between that were purged before the sink passed them.
    pub lost: u64,
}

/// How far a sink has followed the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkProgress {
    /// The name of the sink.
    pub name: String,
    /// The last position that it has passed; -1 for one that has never run.
    pub position: i64,
    /// The events that were purged before it passed them, since it exists.
    pub lost: u64,
    /// The events that it has not passed yet, purged ones included.
    pub behind: u64,
    /// How long the first of those has had its position; zero where it has passed all.
    pub lag: Duration,
    /// Whether events were purged that it has not passed.
    pub gap: bool,
}

/// The cursors of the sinks: consumers that follow the feed, each at its own pace. Times are those of the store's own
/// clock.
///
/// Implementations must begin a new sink at the last position (`a_new_sink_begins_at_the_last_position`), must move a
/// cursor only for the lease that opened the sink last (`a_sink_is_moved_by_the_last_who_opened_it`) and only from the
/// position that it has (`a_sink_is_moved_from_where_it_is`), and must report the distance to the end of the feed
/// (`the_progress_of_a_sink_is_reported`).
#[async_trait]
pub trait SinkRepository: Send + Sync {
    /// Opens the sink `name` for `lease`, after which leases with a lower fence cannot move it; returns its position.
    ///
    /// # Errors
    /// `Conflict` where a lease with a higher fence has opened it; `Unavailable`.
    async fn open(&self, lease: &Lease, name: &str) -> Result<i64, StoreError>;

    /// Moves the cursor of the sink `name`.
    ///
    /// # Errors
    /// `Conflict` where the cursor is elsewhere, or another lease has opened the sink since; `Unavailable`.
    async fn advance(&self, lease: &Lease, name: &str, step: SinkStep) -> Result<(), StoreError>;

    /// Every sink by name.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn list(&self) -> Result<Vec<SinkProgress>, StoreError>;
}
