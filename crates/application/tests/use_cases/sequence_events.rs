use std::sync::Arc;
use std::time::Duration;

use application::dtos::SequenceEventsResponse;
use application::errors::ApplicationError;
use application::ports::{Clock, LeaseRepository};
use application::use_cases::{Leadership, SequenceEventsUseCase, SequencingPorts};
use testkit::{FixedClock, RecordingRelayMetrics};

use crate::world::{World, failure};

/// The relay of one replica.
struct Relay {
    leadership: Arc<Leadership>,
    use_case: SequenceEventsUseCase,
    metrics: Arc<RecordingRelayMetrics>,
}

const DAY: Duration = Duration::from_hours(24);

impl Relay {
    fn new(world: &World, name: &'static str) -> Self {
        Self::with_clock(world, name, world.clock.clone())
    }

    /// A relay on a host whose clock is not the store's.
    fn with_clock(world: &World, name: &'static str, clock: Arc<FixedClock>) -> Self {
        let metrics = Arc::new(RecordingRelayMetrics::default());
        let leadership = Arc::new(Leadership::new(world.read(), clock.clone(), name));
        let use_case = SequenceEventsUseCase::new(
            leadership.clone(),
            SequencingPorts { outbox: world.read(), sinks: world.read(), clock, metrics: metrics.clone() },
            DAY,
        );
        Self { leadership, use_case, metrics }
    }

    async fn pass(&self) -> Result<SequenceEventsResponse, ApplicationError> {
        self.use_case.execute().await
    }

    /// Runs a pass that must succeed; returns whether the relay leads and the number of events that got positions.
    async fn good_pass(&self) -> (bool, u32) {
        let done = self.pass().await.expect("a pass");
        (done.leads, done.sequenced)
    }

    async fn step_down(&self) {
        self.leadership.step_down().await.expect("the lease is released, where it is held");
    }
}

async fn predict_many(world: &World, count: usize) {
    for _ in 0..count {
        world.predict("good").await;
    }
}

fn positions(world: &World) -> Vec<i64> {
    world.store.events().iter().map(|(event, _)| event.position).collect()
}

#[tokio::test]
async fn events_get_positions_in_the_order_in_which_they_happened() {
    let world = World::new();
    let relay = Relay::new(&world, "a");
    assert_eq!(relay.good_pass().await, (true, 0));
    predict_many(&world, 3).await;
    assert_eq!(relay.good_pass().await, (true, 3));
    predict_many(&world, 2).await;
    assert_eq!(relay.good_pass().await, (true, 2));
    assert_eq!(relay.good_pass().await, (true, 0));
    assert_eq!(positions(&world), [1, 2, 3, 4, 5]);
    let now = world.clock.now();
    assert!(world.store.events().iter().all(|(_, sequenced)| *sequenced == Some(now)));
}

#[tokio::test]
async fn a_pass_sequences_a_bounded_number_and_reports_that_more_wait() {
    let world = World::new();
    predict_many(&world, 1_100).await;
    let relay = Relay::new(&world, "a");
    let first = SequenceEventsResponse { leads: true, sequenced: 1_000, more: true };
    assert_eq!(relay.pass().await.expect("a pass"), first);
    let second = SequenceEventsResponse { leads: true, sequenced: 100, more: false };
    assert_eq!(relay.pass().await.expect("a pass"), second);
}

#[tokio::test]
async fn one_of_two_relays_leads() {
    let world = World::new();
    predict_many(&world, 2).await;
    let (a, b) = (Relay::new(&world, "a"), Relay::new(&world, "b"));
    assert_eq!(a.good_pass().await, (true, 2));
    predict_many(&world, 1).await;
    assert_eq!(b.good_pass().await, (false, 0));
    // The leader renews its lease.
    for sequenced in [1, 0, 0, 0, 0] {
        world.clock.advance(Duration::from_secs(9));
        assert_eq!(a.good_pass().await, (true, sequenced));
        assert_eq!(b.good_pass().await, (false, 0));
    }
}

#[tokio::test]
async fn another_relay_leads_once_the_leader_is_dead_for_ten_seconds() {
    let world = World::new();
    let (a, b) = (Relay::new(&world, "a"), Relay::new(&world, "b"));
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
    let (a, b) = (Relay::new(&world, "a"), Relay::new(&world, "b"));
    assert!(a.good_pass().await.0);
    assert!(!b.good_pass().await.0);
    b.step_down().await;
    assert!(!b.good_pass().await.0);
    a.step_down().await;
    assert!(b.good_pass().await.0);
    a.step_down().await;
    assert!(!a.good_pass().await.0);
}

#[tokio::test]
async fn a_relay_that_lost_its_lease_gives_no_position() {
    let world = World::new();
    let (a, b) = (Relay::new(&world, "a"), Relay::new(&world, "b"));
    assert!(a.good_pass().await.0);
    predict_many(&world, 1).await;
    // Only the store's clock advances: to the first relay its lease seems fresh.
    let lease = world.store.acquire("outbox-relay", "a", Duration::ZERO).await;
    assert!(lease.expect("the store works").is_some());
    assert_eq!(b.good_pass().await, (true, 1));
    assert_eq!(a.good_pass().await, (false, 0));
    // A lost lease is not released.
    a.step_down().await;
    assert!(b.good_pass().await.0);
}

#[tokio::test]
async fn events_are_purged_a_day_after_they_got_their_position() {
    let world = World::new();
    predict_many(&world, 2).await;
    let relay = Relay::new(&world, "a");
    relay.good_pass().await;
    world.clock.advance(DAY.saturating_sub(Duration::from_secs(1)));
    relay.good_pass().await;
    assert_eq!(world.store.events().len(), 2, "a day is not over before its end");
    predict_many(&world, 1).await;
    world.clock.advance(Duration::from_mins(1));
    relay.good_pass().await;
    assert_eq!(positions(&world), [3], "the event that got its position now stays");
}

#[tokio::test]
async fn the_relay_purges_once_a_minute() {
    let world = World::new();
    predict_many(&world, 1).await;
    let relay = Relay::new(&world, "a");
    relay.good_pass().await;
    world.clock.advance(DAY.saturating_sub(Duration::from_secs(10)));
    relay.good_pass().await;
    world.clock.advance(Duration::from_secs(59));
    relay.good_pass().await;
    assert_eq!(world.store.events().len(), 1);
    world.clock.advance(Duration::from_secs(1));
    relay.good_pass().await;
    assert_eq!(world.store.events().len(), 0);
}

#[tokio::test]
async fn a_pass_purges_a_bounded_number_and_the_next_continues() {
    let world = World::new();
    predict_many(&world, 4_300).await;
    let relay = Relay::new(&world, "a");
    while relay.pass().await.expect("a pass").more {}
    world.clock.advance(DAY);
    for left in [2_300, 300, 0] {
        relay.good_pass().await;
        assert_eq!(world.store.events().len(), left);
    }
}

#[tokio::test]
async fn an_unavailable_store_fails_the_pass() {
    let world = World::new();
    predict_many(&world, 2).await;
    let relay = Relay::new(&world, "a");
    assert!(relay.good_pass().await.0);
    predict_many(&world, 1).await;
    world.store.fail_with("the connection broke");
    assert_eq!(failure(&relay.pass().await), ("unavailable", "store"));
    world.store.recover();
    assert_eq!(relay.good_pass().await, (true, 1));
}

#[tokio::test]
async fn a_leader_whose_clock_is_an_hour_ahead_is_followed_after_ten_seconds() {
    let world = World::new();
    let ahead = Arc::new(FixedClock::at(world.clock.now().plus(Duration::from_hours(1))));
    let behind = Arc::new(FixedClock::at(world.clock.now().minus(Duration::from_hours(1))));
    let a = Relay::with_clock(&world, "a", ahead.clone());
    let b = Relay::with_clock(&world, "b", behind.clone());
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
    b.step_down().await;
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
    let host = Arc::new(FixedClock::default());
    let a = Relay::with_clock(&world, "a", host.clone());
    let b = Relay::new(&world, "b");
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
async fn every_relay_records_once_a_second_how_far_the_feed_and_its_sinks_are() {
    let world = World::new();
    let (a, b) = (Relay::new(&world, "a"), Relay::new(&world, "b"));
    a.good_pass().await;
    b.good_pass().await;
    predict_many(&world, 1).await;
    for milliseconds in [5_000, 999, 1] {
        world.clock.advance(Duration::from_millis(milliseconds));
        b.good_pass().await;
    }
    a.good_pass().await;
    world.clock.advance(Duration::from_secs(1));
    b.good_pass().await;
    assert_eq!(b.metrics.recorded(), [0, 5, 6, 0].map(Duration::from_secs));
    assert_eq!(a.metrics.recorded(), [0, 6].map(Duration::from_secs));
    let log = b.metrics.sinks().into_iter().rfind(|sink| sink.name == "log").expect("the sink of the log");
    assert_eq!((log.behind, log.lag), (1, Duration::from_secs(1)));
}
