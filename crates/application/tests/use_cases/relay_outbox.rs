use std::sync::Arc;
use std::time::Duration;

use application::dtos::{RelayOutboxRequest, RelayOutboxResponse};
use application::errors::ApplicationError;
use application::ports::{Clock, EventPublisher, LeaseRepository, OutboxEvent, PublishError};
use application::use_cases::RelayOutboxUseCase;
use async_trait::async_trait;
use domain::value_objects::PredictionId;
use testkit::{CapturedLog, FixedClock, RecordingPublisher, RecordingRelayMetrics};

use crate::world::{World, failure};

/// The relay of one replica.
struct Relay {
    name: &'static str,
    use_case: RelayOutboxUseCase,
    metrics: Arc<RecordingRelayMetrics>,
}

impl Relay {
    fn new(world: &World, name: &'static str, publisher: Arc<dyn EventPublisher>) -> Self {
        Self::with_clock(world, name, publisher, world.clock.clone())
    }

    /// A relay on a host whose clock is not the store's.
    fn with_clock(
        world: &World,
        name: &'static str,
        publisher: Arc<dyn EventPublisher>,
        clock: Arc<FixedClock>,
    ) -> Self {
        let metrics = Arc::new(RecordingRelayMetrics::default());
        let use_case = RelayOutboxUseCase::new(world.read(), world.read(), publisher, clock, metrics.clone());
        Self { name, use_case, metrics }
    }

    async fn pass(&self) -> Result<RelayOutboxResponse, ApplicationError> {
        self.use_case.execute(RelayOutboxRequest { holder: self.name.to_owned() }).await
    }

    /// Runs a pass that must succeed; returns whether the relay leads and the number of published events.
    async fn good_pass(&self) -> (bool, usize) {
        let done = self.pass().await.expect("a pass");
        (done.leads, done.published)
    }
}

fn about(events: &[OutboxEvent]) -> Vec<PredictionId> {
    events.iter().map(|event| event.prediction_id).collect()
}

/// Stores `count` predictions and returns their ids, oldest first.
async fn predict_many(world: &World, count: usize) -> Vec<PredictionId> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(world.predict("good").await.id);
    }
    ids
}

fn unpublished(world: &World) -> usize {
    world.store.events().iter().filter(|(_, published)| published.is_none()).count()
}

#[tokio::test]
async fn events_are_published_once_in_the_order_in_which_they_happened() {
    let world = World::new();
    let publisher = Arc::new(RecordingPublisher::new());
    let relay = Relay::new(&world, "a", publisher.clone());
    assert_eq!(relay.good_pass().await, (true, 0));

    let first = predict_many(&world, 3).await;
    assert_eq!(relay.good_pass().await, (true, 3));
    let second = predict_many(&world, 2).await;
    assert_eq!(relay.good_pass().await, (true, 2));
    assert_eq!(relay.good_pass().await, (true, 0));
    assert_eq!(about(&publisher.published()), [first, second].concat());
    let now = world.clock.now();
    assert!(world.store.events().iter().all(|(_, published)| *published == Some(now)));
}

#[tokio::test]
async fn a_pass_publishes_a_bounded_number_and_reports_that_more_wait() {
    let world = World::new();
    let expected = predict_many(&world, 300).await;
    let publisher = Arc::new(RecordingPublisher::new());
    let relay = Relay::new(&world, "a", publisher.clone());
    let first = relay.pass().await.unwrap();
    assert_eq!(first, RelayOutboxResponse { leads: true, published: 256, more: true });
    let second = relay.pass().await.unwrap();
    assert_eq!(second, RelayOutboxResponse { leads: true, published: 44, more: false });
    assert_eq!(about(&publisher.published()), expected);
}

#[tokio::test]
async fn an_event_that_cannot_be_published_stops_the_pass_and_is_first_in_the_next() {
    let world = World::new();
    let expected = predict_many(&world, 5).await;
    let publisher = Arc::new(RecordingPublisher::new());
    let relay = Relay::new(&world, "a", publisher.clone());
    publisher.fail_after(2, 2);
    assert_eq!(relay.good_pass().await, (true, 2));
    assert_eq!(unpublished(&world), 3);
    assert_eq!(relay.good_pass().await, (true, 0));
    assert_eq!(relay.good_pass().await, (true, 3));
    assert_eq!(about(&publisher.published()), expected);
    assert_eq!(about(&publisher.refused()), [expected[2], expected[2]]);
}

#[tokio::test]
async fn a_publisher_that_fails_is_logged_once_a_pass_with_its_cause() {
    let world = World::new();
    predict_many(&world, 3).await;
    let publisher = Arc::new(RecordingPublisher::new());
    let relay = Relay::new(&world, "a", publisher.clone());
    publisher.fail_next(1);
    let log = CapturedLog::start();
    relay.good_pass().await;
    let errors: Vec<_> = log.lines().into_iter().filter(|line| line.level == tracing::Level::ERROR).collect();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].field("error"), "the event was not published: the receiver is away");
}

#[tokio::test]
async fn one_of_two_relays_leads() {
    let world = World::new();
    predict_many(&world, 2).await;
    let publisher = Arc::new(RecordingPublisher::new());
    let (a, b) = (Relay::new(&world, "a", publisher.clone()), Relay::new(&world, "b", publisher.clone()));
    assert_eq!(a.good_pass().await, (true, 2));
    predict_many(&world, 1).await;
    assert_eq!(b.good_pass().await, (false, 0));
    // The leader renews its lease.
    for _ in 0..5 {
        world.clock.advance(Duration::from_secs(9));
        assert!(a.good_pass().await.0);
        assert_eq!(b.good_pass().await, (false, 0));
    }
    assert_eq!(publisher.published().len(), 3);
}

#[tokio::test]
async fn another_relay_leads_once_the_leader_is_dead_for_ten_seconds() {
    let world = World::new();
    let publisher = Arc::new(RecordingPublisher::new());
    let (a, b) = (Relay::new(&world, "a", publisher.clone()), Relay::new(&world, "b", publisher.clone()));
    assert!(a.good_pass().await.0);
    world.clock.advance(Duration::from_millis(9_999));
    assert!(!b.good_pass().await.0);
    world.clock.advance(Duration::from_millis(1));
    assert!(b.good_pass().await.0);
    assert!(!a.good_pass().await.0);
}

#[tokio::test]
async fn after_a_relay_steps_down_another_leads_at_once() {
    let world = World::new();
    let publisher = Arc::new(RecordingPublisher::new());
    let (a, b) = (Relay::new(&world, "a", publisher.clone()), Relay::new(&world, "b", publisher.clone()));
    assert!(a.good_pass().await.0);
    assert!(!b.good_pass().await.0);
    b.use_case.step_down().await.expect("a relay that does not lead has nothing to release");
    assert!(!b.good_pass().await.0);
    a.use_case.step_down().await.expect("the lease is released");
    assert!(b.good_pass().await.0);
    a.use_case.step_down().await.expect("nothing to release the second time");
    assert!(!a.good_pass().await.0);
}

/// A publisher so slow that another relay acquires the lease meanwhile.
struct SlowPublisher {
    world: Arc<World>,
    published: RecordingPublisher,
}

#[async_trait]
impl EventPublisher for SlowPublisher {
    async fn publish(&self, event: &OutboxEvent) -> Result<(), PublishError> {
        self.world.clock.advance(Duration::from_secs(11));
        let ttl = Duration::from_secs(10);
        let taken = self.world.store.acquire("outbox-relay", "b", ttl).await;
        assert!(taken.expect("the store answers").is_some());
        self.published.publish(event).await
    }
}

#[tokio::test]
async fn a_relay_that_lost_its_lease_marks_nothing_and_the_events_are_published_again() {
    let world = Arc::new(World::new());
    let expected = predict_many(&world, 1).await;
    let slow = Arc::new(SlowPublisher { world: world.clone(), published: RecordingPublisher::new() });
    let a = Relay::new(&world, "a", slow.clone());
    assert_eq!(a.good_pass().await, (false, 1));
    assert_eq!(unpublished(&world), 1);

    let publisher = Arc::new(RecordingPublisher::new());
    let b = Relay::new(&world, "b", publisher.clone());
    assert_eq!(b.good_pass().await, (true, 1));
    assert_eq!(about(&publisher.published()), expected);
    assert_eq!(about(&slow.published.published()), expected);
    // A lost lease is not released.
    a.use_case.step_down().await.expect("nothing to release");
    assert!(b.good_pass().await.0);
}

#[tokio::test]
async fn published_events_are_purged_after_a_day() {
    let world = World::new();
    predict_many(&world, 2).await;
    let publisher = Arc::new(RecordingPublisher::new());
    let relay = Relay::new(&world, "a", publisher.clone());
    relay.good_pass().await;
    publisher.fail_next(usize::MAX);
    predict_many(&world, 1).await;
    world.clock.advance(Duration::from_secs(24 * 3_600 - 1));
    relay.good_pass().await;
    assert_eq!(world.store.events().len(), 3, "a day is not over before its end");
    world.clock.advance(Duration::from_mins(1));
    relay.good_pass().await;
    assert_eq!((world.store.events().len(), unpublished(&world)), (1, 1));
}

#[tokio::test]
async fn the_relay_purges_once_a_minute() {
    let world = World::new();
    predict_many(&world, 1).await;
    let relay = Relay::new(&world, "a", Arc::new(RecordingPublisher::new()));
    relay.good_pass().await;
    world.clock.advance(Duration::from_secs(24 * 3_600 - 10));
    relay.good_pass().await;
    world.clock.advance(Duration::from_secs(59));
    relay.good_pass().await;
    assert_eq!(world.store.events().len(), 1);
    world.clock.advance(Duration::from_secs(1));
    relay.good_pass().await;
    assert_eq!(world.store.events().len(), 0);
}

#[tokio::test]
async fn an_unavailable_store_fails_the_pass_and_nothing_is_published() {
    let world = World::new();
    predict_many(&world, 2).await;
    let publisher = Arc::new(RecordingPublisher::new());
    let relay = Relay::new(&world, "a", publisher.clone());
    assert!(relay.good_pass().await.0);
    predict_many(&world, 1).await;
    world.store.fail_with("the connection broke");
    assert_eq!(failure(&relay.pass().await), ("unavailable", "store"));
    assert_eq!(publisher.published().len(), 2);
    world.store.recover();
    assert_eq!(relay.good_pass().await, (true, 1));
}

/// Takes two seconds for an event, after which another relay tries to lead.
struct PatientPublisher {
    world: Arc<World>,
    other: Relay,
    published: RecordingPublisher,
}

#[async_trait]
impl EventPublisher for PatientPublisher {
    async fn publish(&self, event: &OutboxEvent) -> Result<(), PublishError> {
        self.world.clock.advance(Duration::from_secs(2));
        assert!(!self.other.good_pass().await.0, "two relays lead");
        self.published.publish(event).await
    }
}

#[tokio::test]
async fn a_pass_that_takes_longer_than_the_lease_renews_it_and_marks_in_between() {
    let world = Arc::new(World::new());
    let expected = predict_many(&world, 20).await;
    let other = Relay::new(&world, "b", Arc::new(RecordingPublisher::new()));
    let published = RecordingPublisher::new();
    let slow = Arc::new(PatientPublisher { world: world.clone(), other, published });
    let a = Relay::new(&world, "a", slow.clone());
    assert_eq!(a.good_pass().await, (true, 20));
    assert_eq!(unpublished(&world), 0);
    assert_eq!(about(&slow.published.published()), expected);
    let mut marks: Vec<_> = world.store.events().iter().map(|(_, published)| *published).collect();
    marks.dedup();
    assert_eq!(marks.len(), 10, "marked every four seconds, not at the end");
}

#[tokio::test]
async fn events_that_may_not_have_been_delivered_are_published_again() {
    let world = World::new();
    let expected = predict_many(&world, 3).await;
    let publisher = Arc::new(RecordingPublisher::new());
    let relay = Relay::new(&world, "a", publisher.clone());
    publisher.fail_flushes(1);
    let log = CapturedLog::start();
    assert_eq!(relay.good_pass().await, (true, 0));
    assert_eq!(unpublished(&world), 3);
    let errors: Vec<_> = log.lines().into_iter().filter(|line| line.level == tracing::Level::ERROR).collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].field("error").ends_with("the receiver is silent"), "{errors:?}");
    assert_eq!(relay.good_pass().await, (true, 3));
    assert_eq!(about(&publisher.published()), [expected.clone(), expected].concat());
}

#[tokio::test]
async fn a_leader_whose_clock_is_an_hour_ahead_is_followed_after_ten_seconds() {
    let world = World::new();
    let publisher = Arc::new(RecordingPublisher::new());
    let ahead = Arc::new(FixedClock::at(world.clock.now().plus(Duration::from_hours(1))));
    let behind = Arc::new(FixedClock::at(world.clock.now().minus(Duration::from_hours(1))));
    let a = Relay::with_clock(&world, "a", publisher.clone(), ahead.clone());
    let b = Relay::with_clock(&world, "b", publisher.clone(), behind.clone());
    let pass = |seconds| {
        for clock in [&world.clock, &ahead, &behind] {
            clock.advance(Duration::from_secs(seconds));
        }
    };
    assert!(b.good_pass().await.0);
    for _ in 0..5 {
        assert!(!a.good_pass().await.0, "the clock that is ahead steals nothing");
        pass(4);
        assert!(b.good_pass().await.0);
    }
    b.use_case.step_down().await.expect("the lease is released");
    assert!(a.good_pass().await.0);
    pass(9);
    assert!(!b.good_pass().await.0);
    pass(1);
    assert!(b.good_pass().await.0);
    assert!(!a.good_pass().await.0);
}

#[tokio::test]
async fn setting_the_hosts_clock_does_not_stop_the_leader_from_renewing() {
    let world = World::new();
    let publisher = Arc::new(RecordingPublisher::new());
    let host = Arc::new(FixedClock::default());
    let a = Relay::with_clock(&world, "a", publisher.clone(), host.clone());
    let b = Relay::new(&world, "b", publisher.clone());
    assert!(a.good_pass().await.0);
    host.set(host.now().minus(Duration::from_hours(1)));
    for _ in 0..4 {
        for clock in [&world.clock, &host] {
            clock.advance(Duration::from_secs(4));
        }
        assert!(a.good_pass().await.0);
        assert!(!b.good_pass().await.0);
    }
}

#[tokio::test]
async fn a_pass_purges_a_bounded_number_and_the_next_continues() {
    let world = World::new();
    predict_many(&world, 2_300).await;
    let relay = Relay::new(&world, "a", Arc::new(RecordingPublisher::new()));
    while relay.pass().await.expect("a pass").more {}
    world.clock.advance(Duration::from_hours(24));
    for left in [1_300, 300, 0] {
        relay.good_pass().await;
        assert_eq!(world.store.events().len(), left);
    }
}

#[tokio::test]
async fn every_relay_records_the_age_of_the_oldest_unpublished_event_once_a_second() {
    let world = World::new();
    let publisher = Arc::new(RecordingPublisher::new());
    publisher.fail_next(usize::MAX);
    let (a, b) = (Relay::new(&world, "a", publisher.clone()), Relay::new(&world, "b", publisher.clone()));
    a.good_pass().await;
    b.good_pass().await;
    predict_many(&world, 1).await;
    for milliseconds in [5_000, 999, 1] {
        world.clock.advance(Duration::from_millis(milliseconds));
        a.good_pass().await;
        b.good_pass().await;
    }
    publisher.fail_next(0);
    a.good_pass().await;
    world.clock.advance(Duration::from_secs(1));
    a.good_pass().await;
    let expected = [0, 5, 6, 0].map(Duration::from_secs);
    assert_eq!(a.metrics.recorded(), expected);
    assert_eq!(b.metrics.recorded(), expected[..3]);
}
