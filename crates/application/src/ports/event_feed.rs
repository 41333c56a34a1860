use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::value_objects::TenantId;

use crate::ports::{FeedEvent, StoreError};

/// Follows the feed of events for many readers: one reader of the store on this replica, whatever their number.
#[async_trait]
pub trait EventFeed: Send + Sync {
    /// Follows the events of `tenant` above the position `after`, or from now on without one.
    ///
    /// # Errors
    /// `Unavailable`, and where this replica has as many followers as it allows, `Saturated`.
    async fn follow(
        &self,
        tenant: &TenantId,
        after: Option<i64>,
    ) -> Result<Box<dyn FeedFollower>, FollowError>;
}

/// One reader's place in the feed. Its memory is bounded: a reader that is slower than the feed reads the store again
/// from its place.
#[async_trait]
pub trait FeedFollower: Send {
    /// Waits for the next signal, at most for `heartbeat`.
    ///
    /// # Errors
    /// `Unavailable`; the follower stays at its place, so that the call can be repeated.
    async fn next(&mut self, heartbeat: Duration) -> Result<FeedSignal, StoreError>;
}

/// What a follower gets.
#[derive(Debug, Clone, PartialEq)]
pub enum FeedSignal {
    /// The next events, in the order of their positions.
    Events(Vec<Arc<FeedEvent>>),
    /// Events between the follower's place and the position `purged` are gone; it goes on after them.
    Gap {
        /// The last position that is gone.
        purged: i64,
    },
    /// No event for the time of a heartbeat. The follower has passed `position`, with events of other tenants.
    Heartbeat {
        /// The follower's place.
        position: i64,
    },
    /// The feed has ended, as the service stops.
    Ended,
}

/// A follower was refused.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// This replica has as many followers as it allows.
    #[error("too many followers of the event feed")]
    Saturated,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Wakes the readers of the feed when events have got positions.
#[async_trait]
pub trait FeedWakeUp: Send + Sync {
    /// Waits until events may have got positions, at most for `timeout`. Returning early without new events is allowed.
    async fn wait(&self, timeout: Duration);
}
