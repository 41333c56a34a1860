use std::sync::Arc;

use crate::action::log_action;
use crate::dtos::FollowEventsRequest;
use crate::errors::ApplicationError;
use crate::ports::{EventFeed, FeedFollower, FollowError};

/// Follows the events of a tenant as they happen.
pub struct FollowEventsUseCase {
    feed: Arc<dyn EventFeed>,
}

impl FollowEventsUseCase {
    /// The use case over the feed.
    pub fn new(feed: Arc<dyn EventFeed>) -> Self {
        Self { feed }
    }

    /// Returns a follower of the events of the tenant above the position `after`, or from now on without one.
    ///
    /// # Errors
    /// `Saturated` where this replica has as many followers as it allows; `Unavailable`.
    pub async fn execute(
        &self,
        request: FollowEventsRequest,
    ) -> Result<Box<dyn FeedFollower>, ApplicationError> {
        log_action("FollowEventsUseCase.execute", async {
            let FollowEventsRequest { tenant, after } = request;
            self.feed.follow(&tenant, after).await.map_err(|refused| match refused {
                FollowError::Saturated => ApplicationError::Saturated,
                FollowError::Store(error) => error.into(),
            })
        })
        .await
    }
}
