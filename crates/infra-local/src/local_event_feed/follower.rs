use std::sync::Arc;
use std::time::Duration;

use application::ports::{FeedEvent, FeedFollower, FeedSignal, FollowError, StoreError};
use async_trait::async_trait;
use domain::value_objects::TenantId;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::local_event_feed::Shared;

/// A place in the feed.
pub(super) struct LocalFollower {
    shared: Arc<Shared>,
    tenant: TenantId,
    /// The position that the follower has passed. It changes only at the moment at which a signal is returned, so that
    /// a call that is dropped loses no event.
    pub(super) place: i64,
    /// The number of resets at which the place was found to exist in the feed.
    checked: Option<u64>,
    /// How many positions to read next from the store.
    page: i64,
    moved: watch::Receiver<()>,
}

/// What the ring has for a follower.
enum Step {
    Ended,
    Events(Vec<Arc<FeedEvent>>),
    /// The place may not exist; to be found out for this number of resets.
    Check(u64),
    /// The place is before this start of the ring.
    Behind(i64),
    Wait,
}

/// The most events of a signal, which bounds the memory of a follower.
const MOST_EVENTS: usize = 64;
/// The fewest positions that are read from the store at once.
const MIN_PAGE: i64 = 64;
/// The most positions that are read at once, where few of them are events of the tenant.
const MAX_PAGE: i64 = 4_096;

impl LocalFollower {
    /// Counts a follower of the events of `tenant`, until it is dropped. Its place is to be set.
    ///
    /// # Errors
    /// `Saturated`.
    pub(super) fn register(shared: &Arc<Shared>, tenant: &TenantId) -> Result<Self, FollowError> {
        let mut state = shared.state();
        if state.followers >= shared.limits.followers {
            return Err(FollowError::Saturated);
        }
        state.followers += 1;
        drop(state);
        Ok(Self {
            shared: Arc::clone(shared),
            tenant: tenant.clone(),
            place: 0,
            checked: None,
            page: MIN_PAGE,
            moved: shared.moved.subscribe(),
        })
    }

    /// Takes what the ring has.
    fn step(&mut self) -> Step {
        let state = self.shared.state();
        if state.ended {
            return Step::Ended;
        }
        let Some(ring) = &state.ring else { return Step::Wait };
        if self.checked != Some(state.resets) {
            if !(ring.start()..=ring.end()).contains(&self.place) {
                return Step::Check(state.resets);
            }
            self.checked = Some(state.resets);
        }
        if self.place < ring.start() {
            return Step::Behind(ring.start());
        }
        let (events, place) = ring.after(self.place, &self.tenant, MOST_EVENTS);
        self.place = place;
        if events.is_empty() { Step::Wait } else { Step::Events(events) }
    }

    /// Returns a gap where the feed ends before the place: it is that of another database, or of a later state of this
    /// one.
    async fn check(&mut self, resets: u64) -> Result<Option<FeedSignal>, StoreError> {
        let permit = self.shared.catch_ups.acquire().await;
        let last = self.shared.store.bounds().await?.last;
        drop(permit);
        self.checked = Some(resets);
        if self.place <= last {
            return Ok(None);
        }
        self.place = last;
        Ok(Some(FeedSignal::Gap { purged: last }))
    }

    /// Reads the next page from the store, up to the position `start`.
    async fn catch_up(&mut self, start: i64) -> Result<Option<FeedSignal>, StoreError> {
        let up_to = start.min(self.place.saturating_add(self.page));
        let permit = self.shared.catch_ups.acquire().await;
        let mut events = self.shared.store.read(Some(&self.tenant), self.place, up_to).await?;
        // Asked after the read: what was purged before it is missing in it.
        let purged = self.shared.store.bounds().await?.purged;
        drop(permit);
        if purged > self.place {
            self.place = purged;
            return Ok(Some(FeedSignal::Gap { purged }));
        }
        self.place = up_to;
        if events.len() > MOST_EVENTS {
            events.truncate(MOST_EVENTS);
            self.place = events.last().map_or(up_to, |event| event.position);
            self.page = MIN_PAGE;
        } else if events.len() < MOST_EVENTS / 4 {
            self.page = (self.page * 2).min(MAX_PAGE);
        }
        let events: Vec<_> = events.into_iter().map(Arc::new).collect();
        Ok((!events.is_empty()).then_some(FeedSignal::Events(events)))
    }

    /// Waits for the next signal without a limit.
    async fn signal(&mut self) -> Result<FeedSignal, StoreError> {
        loop {
            self.moved.borrow_and_update();
            let signal = match self.step() {
                Step::Ended => Some(FeedSignal::Ended),
                Step::Events(events) => Some(FeedSignal::Events(events)),
                Step::Check(resets) => self.check(resets).await?,
                Step::Behind(start) => self.catch_up(start).await?,
                Step::Wait => {
                    // An error would mean that the feed is gone; `self.shared` has its sender.
                    let _ = self.moved.changed().await;
                    None
                }
            };
            if let Some(signal) = signal {
                return Ok(signal);
            }
        }
    }
}

#[async_trait]
impl FeedFollower for LocalFollower {
    async fn next(&mut self, heartbeat: Duration) -> Result<FeedSignal, StoreError> {
        let deadline = Instant::now() + heartbeat;
        match timeout_at(deadline, self.signal()).await {
            Ok(signal) => signal,
            Err(_elapsed) => Ok(FeedSignal::Heartbeat { position: self.place }),
        }
    }
}

impl Drop for LocalFollower {
    fn drop(&mut self) {
        self.shared.state().followers -= 1;
    }
}
