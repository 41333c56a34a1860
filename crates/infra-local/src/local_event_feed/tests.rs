use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use application::ports::{FeedBounds, FeedEvent, FeedSignal};
use domain::value_objects::{EventId, Timestamp};
use tokio::task::{JoinHandle, JoinSet, yield_now};

use super::*;

/// A feed of two tenants in memory, whose calls wait in between as often as its random numbers say.
#[derive(Default)]
struct FakeStore {
    events: Mutex<Vec<FeedEvent>>,
    purged: Mutex<i64>,
    is_down: AtomicBool,
    random: AtomicU64,
    reads: AtomicUsize,
    reading: AtomicUsize,
    most_reading: AtomicUsize,
    appended: Notify,
}

fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

impl FakeStore {
    fn append(&self, owner: &str) -> i64 {
        let mut events = self.events.lock().unwrap();
        let position = events.last().map_or(0, |event| event.position) + 1;
        events.push(FeedEvent {
            position,
            tenant: tenant(owner),
            event_id: EventId::from_u128(u128::try_from(position).unwrap()),
            event_type: "SentimentPredicted".to_owned(),
            aggregate_type: "prediction".to_owned(),
            aggregate_id: position.to_string(),
            prediction_id: None,
            occurred_at: Timestamp::from_micros(position),
            traceparent: None,
            facts: None,
            payload: "{}".to_owned(),
        });
        drop(events);
        self.appended.notify_one();
        position
    }

    fn last(&self) -> i64 {
        self.events.lock().unwrap().last().map_or(0, |event| event.position)
    }

    fn purge(&self, up_to: i64) {
        let mut purged = self.purged.lock().unwrap();
        *purged = up_to.min(self.last()).max(*purged);
    }

    /// Forgets the events above `position`.
    fn restore(&self, position: i64) {
        self.events.lock().unwrap().retain(|event| event.position <= position);
    }

    /// The positions of the events of `tenant` above `after`, up to `up_to`.
    fn between(&self, tenant: &TenantId, after: i64, up_to: i64) -> Vec<i64> {
        let events = self.events.lock().unwrap();
        let range = events.iter().filter(|event| event.position > after && event.position <= up_to);
        range.filter(|event| event.tenant == *tenant).map(|event| event.position).collect()
    }

    fn random(&self, below: u64) -> u64 {
        // Splitmix64.
        let seed = self.random.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % below
    }

    async fn wait_a_little(&self) {
        for _ in 0..self.random(4) {
            yield_now().await;
        }
    }

    fn working(&self) -> Result<(), StoreError> {
        if self.is_down.load(Ordering::SeqCst) { Err(StoreError::unavailable("down")) } else { Ok(()) }
    }
}

/// A follower's read, until it ends or is dropped.
struct Reading<'a>(&'a FakeStore);

impl<'a> Reading<'a> {
    fn begin(store: &'a FakeStore) -> Self {
        let reading = store.reading.fetch_add(1, Ordering::SeqCst) + 1;
        store.most_reading.fetch_max(reading, Ordering::SeqCst);
        Self(store)
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.reading.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl EventFeedRepository for FakeStore {
    async fn read(
        &self,
        tenant: Option<&TenantId>,
        after: i64,
        up_to: i64,
    ) -> Result<Vec<FeedEvent>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let _reading = tenant.is_some().then(|| Reading::begin(self));
        self.wait_a_little().await;
        let purged = *self.purged.lock().unwrap();
        let in_range = |event: &&FeedEvent| {
            event.position > after.max(purged)
                && event.position <= up_to
                && tenant.is_none_or(|tenant| event.tenant == *tenant)
        };
        let found = self.events.lock().unwrap().iter().filter(in_range).cloned().collect();
        self.wait_a_little().await;
        self.working().map(|()| found)
    }

    async fn bounds(&self) -> Result<FeedBounds, StoreError> {
        self.wait_a_little().await;
        let bounds = FeedBounds { purged: *self.purged.lock().unwrap(), last: self.last() };
        self.wait_a_little().await;
        self.working().map(|()| bounds)
    }
}

#[async_trait]
impl FeedWakeUp for FakeStore {
    async fn wait(&self, timeout: Duration) {
        let _ = tokio::time::timeout(timeout, self.appended.notified()).await;
    }
}

struct Running {
    store: Arc<FakeStore>,
    feed: Arc<LocalEventFeed>,
    _reader: JoinHandle<()>,
}

fn start(limits: FeedLimits, seed: u64) -> Running {
    let store = Arc::new(FakeStore { random: AtomicU64::new(seed), ..FakeStore::default() });
    let feed = Arc::new(LocalEventFeed::new(store.clone(), store.clone(), limits));
    let reader = Arc::clone(&feed);
    let task = tokio::spawn(async move { reader.run(CancellationToken::new()).await });
    Running { store, feed, _reader: task }
}

const HEARTBEAT: Duration = Duration::from_secs(15);

fn positions(signal: &FeedSignal) -> Vec<i64> {
    match signal {
        FeedSignal::Events(events) => events.iter().map(|event| event.position).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_follower_gets_the_events_of_its_tenant_from_now_on() {
    let Running { store, feed, .. } = start(FeedLimits::default(), 1);
    store.append("a");
    let mut follower = feed.follow(&tenant("a"), None).await.unwrap();
    assert_eq!(follower.next(HEARTBEAT).await.unwrap(), FeedSignal::Heartbeat { position: 1 });
    store.append("b");
    store.append("a");
    assert_eq!(positions(&follower.next(HEARTBEAT).await.unwrap()), [3]);
    store.append("b");
    assert_eq!(follower.next(HEARTBEAT).await.unwrap(), FeedSignal::Heartbeat { position: 4 });
}

#[tokio::test(start_paused = true)]
async fn followers_share_the_events_of_the_ring() {
    let Running { store, feed, .. } = start(FeedLimits::default(), 2);
    let mut one = feed.follow(&tenant("a"), None).await.unwrap();
    let mut other = feed.follow(&tenant("a"), None).await.unwrap();
    assert_eq!(one.next(HEARTBEAT).await.unwrap(), FeedSignal::Heartbeat { position: 0 });
    store.append("a");
    let (one, other) = (one.next(HEARTBEAT).await.unwrap(), other.next(HEARTBEAT).await.unwrap());
    let (FeedSignal::Events(one), FeedSignal::Events(other)) = (one, other) else { panic!("no events") };
    assert!(Arc::ptr_eq(&one[0], &other[0]));
    assert_eq!(store.reads.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_follower_that_is_behind_the_ring_reads_the_store() {
    let Running { store, feed, .. } = start(FeedLimits { events: 4, ..FeedLimits::default() }, 3);
    for _ in 0..100 {
        store.append("a");
        store.append("b");
    }
    let mut follower = feed.follow(&tenant("b"), Some(20)).await.unwrap();
    let mut seen = Vec::new();
    while seen.last() != Some(&200) {
        let signal = follower.next(HEARTBEAT).await.unwrap();
        assert!(positions(&signal).len() <= 64, "a signal takes too much memory");
        seen.extend(positions(&signal));
    }
    assert_eq!(seen, (22..=200).step_by(2).collect::<Vec<i64>>());
}

#[tokio::test(start_paused = true)]
async fn a_place_older_than_the_feed_is_a_gap_and_one_that_does_not_exist_too() {
    let Running { store, feed, .. } = start(FeedLimits::default(), 4);
    for _ in 0..10 {
        store.append("a");
    }
    store.purge(6);
    let mut old = feed.follow(&tenant("a"), Some(2)).await.unwrap();
    assert_eq!(old.next(HEARTBEAT).await.unwrap(), FeedSignal::Gap { purged: 6 });
    assert_eq!(positions(&old.next(HEARTBEAT).await.unwrap()), [7, 8, 9, 10]);
    let mut foreign = feed.follow(&tenant("a"), Some(1_000)).await.unwrap();
    assert_eq!(foreign.next(HEARTBEAT).await.unwrap(), FeedSignal::Gap { purged: 10 });
    store.append("a");
    assert_eq!(positions(&foreign.next(HEARTBEAT).await.unwrap()), [11]);
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_goes_back_is_a_gap_for_those_who_were_further() {
    let Running { store, feed, .. } = start(FeedLimits::default(), 5);
    for _ in 0..5 {
        store.append("a");
    }
    let mut follower = feed.follow(&tenant("a"), None).await.unwrap();
    assert_eq!(follower.next(HEARTBEAT).await.unwrap(), FeedSignal::Heartbeat { position: 5 });
    store.restore(2);
    assert_eq!(follower.next(HEARTBEAT).await.unwrap(), FeedSignal::Gap { purged: 2 });
    store.append("a");
    assert_eq!(positions(&follower.next(HEARTBEAT).await.unwrap()), [3]);
}

#[tokio::test(start_paused = true)]
async fn followers_stay_while_the_store_does_not_respond() {
    let Running { store, feed, .. } = start(FeedLimits::default(), 6);
    let mut follower = feed.follow(&tenant("a"), None).await.unwrap();
    assert_eq!(follower.next(HEARTBEAT).await.unwrap(), FeedSignal::Heartbeat { position: 0 });
    store.is_down.store(true, Ordering::SeqCst);
    store.append("a");
    assert_eq!(follower.next(HEARTBEAT).await.unwrap(), FeedSignal::Heartbeat { position: 0 });
    let refused = feed.follow(&tenant("a"), Some(-5)).await.unwrap().next(HEARTBEAT).await;
    assert!(refused.is_err(), "{refused:?}");
    store.is_down.store(false, Ordering::SeqCst);
    assert_eq!(positions(&follower.next(HEARTBEAT).await.unwrap()), [1]);
}

#[tokio::test(start_paused = true)]
async fn the_reader_sleeps_without_followers_and_begins_at_the_end() {
    let Running { store, feed, .. } = start(FeedLimits::default(), 7);
    let mut follower = feed.follow(&tenant("a"), None).await.unwrap();
    assert_eq!(follower.next(HEARTBEAT).await.unwrap(), FeedSignal::Heartbeat { position: 0 });
    drop(follower);
    sleep(HEARTBEAT).await;
    let reads = store.reads.load(Ordering::SeqCst);
    for _ in 0..3 {
        store.append("a");
        sleep(HEARTBEAT).await;
    }
    assert_eq!(store.reads.load(Ordering::SeqCst), reads, "it reads for no follower");
    let mut follower = feed.follow(&tenant("a"), Some(1)).await.unwrap();
    assert_eq!(positions(&follower.next(HEARTBEAT).await.unwrap()), [2, 3]);
}

#[tokio::test(start_paused = true)]
async fn followers_are_limited_and_their_places_are_free_again() {
    let Running { feed, .. } = start(FeedLimits { followers: 1, ..FeedLimits::default() }, 8);
    let first = feed.follow(&tenant("a"), None).await.unwrap();
    assert!(matches!(feed.follow(&tenant("a"), None).await, Err(FollowError::Saturated)));
    drop(first);
    assert!(feed.follow(&tenant("a"), None).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_feed_ends_every_follower() {
    let Running { feed, .. } = start(FeedLimits::default(), 9);
    let mut waiting = feed.follow(&tenant("a"), None).await.unwrap();
    let waiting = tokio::spawn(async move { waiting.next(HEARTBEAT).await.unwrap() });
    yield_now().await;
    feed.end();
    assert_eq!(waiting.await.unwrap(), FeedSignal::Ended);
    let mut late = feed.follow(&tenant("a"), Some(0)).await.unwrap();
    assert_eq!(late.next(HEARTBEAT).await.unwrap(), FeedSignal::Ended);
}

#[tokio::test(start_paused = true)]
async fn the_ring_is_bounded_by_the_bytes_of_its_events() {
    let mut ring = Ring::at(0);
    let store = FakeStore::default();
    for _ in 0..100 {
        store.append("a");
    }
    let events = store.read(None, 0, 100).await.unwrap();
    ring.extend(events, 100, 1_000, 10 * 1_024);
    assert!(ring.start() > 50 && ring.end() == 100, "{}", ring.start());
    assert_eq!(ring.after(ring.start(), &tenant("a"), 1_000).0.len(), 100 - ring.start() as usize);
}

/// Follows with random breaks, and checks that no event is missed or repeated.
async fn follow_and_check(store: Arc<FakeStore>, feed: Arc<LocalEventFeed>, owner: &'static str, until: i64) {
    let tenant = tenant(owner);
    let mut place = i64::try_from(store.random(20)).unwrap().min(store.last());
    'connections: loop {
        let mut follower = feed.follow(&tenant, Some(place)).await.unwrap();
        for _ in 0..=store.random(6) {
            let dropped = Duration::from_millis(store.random(3));
            // Some calls are dropped and made again, as those of a client whose credential is checked meanwhile.
            let signal = if store.random(3) == 0 {
                match tokio::time::timeout(dropped, follower.next(HEARTBEAT)).await {
                    Ok(signal) => signal.unwrap(),
                    Err(_elapsed) => continue,
                }
            } else {
                follower.next(HEARTBEAT).await.unwrap()
            };
            match signal {
                FeedSignal::Events(events) => {
                    let got: Vec<i64> = events.iter().map(|event| event.position).collect();
                    assert_eq!(got, store.between(&tenant, place, got[got.len() - 1]));
                    place = got[got.len() - 1];
                }
                FeedSignal::Gap { purged } => {
                    assert!(place < purged && purged <= *store.purged.lock().unwrap());
                    place = purged;
                }
                FeedSignal::Heartbeat { position } => {
                    assert!(store.between(&tenant, place, position).is_empty());
                    place = position;
                }
                FeedSignal::Ended => panic!("ended"),
            }
            if place >= until {
                break 'connections;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_event_is_missed_or_repeated_whatever_the_interleaving() {
    const EVENTS: i64 = 300;
    for seed in 0..200 {
        let limits = FeedLimits { events: 1 + usize::try_from(seed % 40).unwrap(), ..FeedLimits::default() };
        let Running { store, feed, .. } = start(limits, seed << 32);
        let mut tasks = JoinSet::new();
        for n in 0..10 {
            let owner = if n % 2 == 0 { "a" } else { "b" };
            tasks.spawn(follow_and_check(store.clone(), feed.clone(), owner, EVENTS));
        }
        while store.last() < EVENTS {
            for _ in 0..store.random(30).min(u64::try_from(EVENTS - store.last()).unwrap()) {
                store.append(if store.random(3) == 0 { "a" } else { "b" });
            }
            if store.random(8) == 0 {
                store.purge(store.last() - i64::try_from(store.random(60)).unwrap());
            }
            if store.random(5) == 0 {
                sleep(Duration::from_millis(1)).await;
            } else {
                yield_now().await;
            }
        }
        while let Some(checked) = tasks.join_next().await {
            checked.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        }
        assert!(store.most_reading.load(Ordering::SeqCst) <= limits.catch_ups);
    }
}
