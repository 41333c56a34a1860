//! The event feed of this replica: one reader of the store for all followers.

mod follower;
mod ring;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use application::action::chain;
use application::ports::{EventFeed, EventFeedRepository, FeedFollower, FeedWakeUp, FollowError, StoreError};
use async_trait::async_trait;
use domain::value_objects::TenantId;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use follower::LocalFollower;
use ring::Ring;

/// What the feed of a replica may use.
#[derive(Debug, Clone, Copy)]
pub struct FeedLimits {
    /// The most followers at a time.
    pub followers: usize,
    /// The most recent events in memory.
    pub events: usize,
    /// The most bytes of recent events in memory, by estimate.
    pub bytes: usize,
    /// The most followers that read the store at a time, each for one page.
    pub catch_ups: usize,
}

impl Default for FeedLimits {
    fn default() -> Self {
        Self { followers: 1_000, events: 16_384, bytes: 16 << 20, catch_ups: 4 }
    }
}

/// The feed over a store.
///
/// One task, [`LocalEventFeed::run`], reads the events of all tenants into a ring of recent ones while anyone follows.
/// Followers take those of their tenant from the ring without copying. A follower whose place is older than the ring
/// reads the store itself, a page at a time, until its place is within the ring. Its place is the position that it has
/// passed, whichever of the two it reads, so that no event is missed or repeated in between.
///
/// While the store does not respond, followers get heartbeats; the reader tries again with growing pauses.
pub struct LocalEventFeed {
    shared: Arc<Shared>,
    wake_up: Arc<dyn FeedWakeUp>,
}

/// What the reader and its followers share.
struct Shared {
    store: Arc<dyn EventFeedRepository>,
    limits: FeedLimits,
    state: Mutex<State>,
    /// Changes when the state does.
    moved: watch::Sender<()>,
    /// Wakes a reader that has no followers.
    arrived: Notify,
    /// One for each follower that may read the store.
    catch_ups: Semaphore,
}

#[derive(Default)]
struct State {
    /// The recent events; none before the reader has found the end of the feed.
    ring: Option<Ring>,
    followers: usize,
    ended: bool,
    /// How often the end of the feed was found before the end of the ring: the database was replaced by an older one.
    resets: u64,
}

/// What a pass of the reader has found.
enum Pass {
    /// There are no followers.
    Idle,
    /// There may be more events.
    More,
    /// The ring holds the end of the feed.
    AtEnd,
}

/// The most positions that the reader reads at once.
const PAGE: i64 = 500;
/// How often the reader looks for events without being woken.
const POLL: Duration = Duration::from_secs(1);
/// The pause after the first failure of the store; it doubles up to [`MAX_PAUSE`].
const MIN_PAUSE: Duration = Duration::from_millis(200);
const MAX_PAUSE: Duration = Duration::from_secs(5);

impl LocalEventFeed {
    /// The feed of the events in `store`, whose reader is woken by `wake_up`. Followers get events while
    /// [`LocalEventFeed::run`] is polled.
    pub fn new(
        store: Arc<dyn EventFeedRepository>,
        wake_up: Arc<dyn FeedWakeUp>,
        limits: FeedLimits,
    ) -> Self {
        let shared = Shared {
            store,
            limits,
            state: Mutex::default(),
            moved: watch::Sender::new(()),
            arrived: Notify::new(),
            catch_ups: Semaphore::new(limits.catch_ups.max(1)),
        };
        Self { shared: Arc::new(shared), wake_up }
    }

    /// Reads the feed for the followers until it is cancelled. To be run by one task at a time.
    pub async fn run(&self, cancel: CancellationToken) {
        let _ = cancel.run_until_cancelled(self.read()).await;
        self.end();
    }

    /// Ends the feed for all followers, present and future.
    pub fn end(&self) {
        self.shared.change(|state| state.ended = true);
    }

    async fn read(&self) {
        let mut pause = MIN_PAUSE;
        loop {
            match self.shared.read_page().await {
                Ok(pass) => {
                    pause = MIN_PAUSE;
                    match pass {
                        Pass::Idle => self.shared.arrived.notified().await,
                        Pass::More => {}
                        Pass::AtEnd => self.wake_up.wait(POLL).await,
                    }
                }
                Err(error) => {
                    if pause == MIN_PAUSE {
                        tracing::warn!(error = chain(&error), "the event feed cannot be read; trying again");
                    }
                    sleep(pause).await;
                    pause = (pause * 2).min(MAX_PAUSE);
                }
            }
        }
    }
}

#[async_trait]
impl EventFeed for LocalEventFeed {
    async fn follow(
        &self,
        tenant: &TenantId,
        after: Option<i64>,
    ) -> Result<Box<dyn FeedFollower>, FollowError> {
        let shared = &self.shared;
        // Counted before the first await, and until it is dropped.
        let mut follower = LocalFollower::register(shared, tenant)?;
        let end = shared.state().ring.as_ref().map(Ring::end);
        follower.place = match (after, end) {
            (Some(place), _) | (None, Some(place)) => place,
            (None, None) => shared.store.bounds().await?.last,
        };
        shared.arrived.notify_one();
        Ok(Box::new(follower))
    }
}

impl Shared {
    /// Reads the next page of the feed into the ring.
    async fn read_page(&self) -> Result<Pass, StoreError> {
        if !self.is_followed() {
            return Ok(Pass::Idle);
        }
        let end = self.state().ring.as_ref().map(Ring::end);
        let bounds = self.store.bounds().await?;
        let Some(end) = end else {
            self.change(|state| state.ring = Some(Ring::at(bounds.last)));
            return Ok(Pass::AtEnd);
        };
        if bounds.last < end {
            tracing::warn!(position = bounds.last, expected = end, "the feed of events has gone back");
            self.change(|state| {
                state.ring = Some(Ring::at(bounds.last));
                state.resets += 1;
            });
            return Ok(Pass::AtEnd);
        }
        let up_to = bounds.last.min(end.saturating_add(PAGE));
        if up_to == end {
            return Ok(Pass::AtEnd);
        }
        let events = self.store.read(None, end, up_to).await?;
        // Positions may have been purged before they were read: then the followers find out how many.
        let is_whole = self.store.bounds().await?.purged <= end;
        self.change(|state| match &mut state.ring {
            Some(ring) if is_whole => ring.extend(events, up_to, self.limits.events, self.limits.bytes),
            ring => *ring = Some(Ring::at(up_to)),
        });
        Ok(if up_to < bounds.last { Pass::More } else { Pass::AtEnd })
    }

    /// Whether there are followers; without any the ring is dropped.
    fn is_followed(&self) -> bool {
        let mut state = self.state();
        if state.followers == 0 {
            state.ring = None;
        }
        state.followers > 0
    }

    /// Changes the state and wakes the followers.
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.moved.send_replace(());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
