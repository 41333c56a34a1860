use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use application::ports::{EventFeed, FeedFollower, FeedSignal, FollowError, StoreError};
use async_trait::async_trait;
use domain::value_objects::TenantId;
use tokio::sync::Notify;
use tokio::time::timeout;

/// A feed whose signals a test sends. Clones share them.
#[derive(Clone, Default)]
pub struct FakeEventFeed {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    signals: Mutex<VecDeque<Option<FeedSignal>>>,
    sent: Notify,
    followed: Mutex<Vec<(TenantId, Option<i64>)>>,
    is_saturated: AtomicBool,
}

impl FakeEventFeed {
    /// Sends `signal` to the follower.
    pub fn send(&self, signal: FeedSignal) {
        self.push(Some(signal));
    }

    /// Makes one call of the follower fail.
    pub fn fail(&self) {
        self.push(None);
    }

    /// Refuses all further followers.
    pub fn saturate(&self) {
        self.shared.is_saturated.store(true, Ordering::SeqCst);
    }

    /// Whom the followers have followed, and after which positions.
    pub fn followed(&self) -> Vec<(TenantId, Option<i64>)> {
        self.shared.followed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn push(&self, signal: Option<FeedSignal>) {
        self.shared.signals.lock().unwrap_or_else(PoisonError::into_inner).push_back(signal);
        self.shared.sent.notify_one();
    }
}

#[async_trait]
impl EventFeed for FakeEventFeed {
    async fn follow(
        &self,
        tenant: &TenantId,
        after: Option<i64>,
    ) -> Result<Box<dyn FeedFollower>, FollowError> {
        if self.shared.is_saturated.load(Ordering::SeqCst) {
            return Err(FollowError::Saturated);
        }
        let mut followed = self.shared.followed.lock().unwrap_or_else(PoisonError::into_inner);
        followed.push((tenant.clone(), after));
        Ok(Box::new(FakeFollower { shared: Arc::clone(&self.shared), place: after.unwrap_or_default() }))
    }
}

struct FakeFollower {
    shared: Arc<Shared>,
    place: i64,
}

impl FakeFollower {
    async fn signal(&self) -> Option<FeedSignal> {
        loop {
            let next = self.shared.signals.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            match next {
                Some(signal) => return signal,
                None => self.shared.sent.notified().await,
            }
        }
    }
}

#[async_trait]
impl FeedFollower for FakeFollower {
    async fn next(&mut self, heartbeat: Duration) -> Result<FeedSignal, StoreError> {
        let signal = match timeout(heartbeat, self.signal()).await {
            Ok(None) => return Err(StoreError::unavailable("the feed is down")),
            Ok(Some(signal)) => signal,
            Err(_elapsed) => FeedSignal::Heartbeat { position: self.place },
        };
        match &signal {
            FeedSignal::Events(events) => {
                self.place = events.last().map_or(self.place, |event| event.position);
            }
            FeedSignal::Gap { purged } => self.place = *purged,
            FeedSignal::Heartbeat { .. } | FeedSignal::Ended => {}
        }
        Ok(signal)
    }
}
