use std::sync::Arc;
use std::time::Duration;

use application::dtos::SinkPass;
use application::errors::ApplicationError;
use application::ports::{
    EventPublisher, FeedEvent, LeaseRepository, OutboxRepository, PublishError, SinkRepository,
};
use application::use_cases::{DeliverEventsUseCase, Leadership, SequenceEventsUseCase, SequencingPorts};
use async_trait::async_trait;
use domain::value_objects::PredictionId;
use testkit::{CapturedLog, RecordingPublisher, RecordingRelayMetrics};

use crate::world::{World, failure};

/// One replica: its relay, and its sink of `publisher`.
struct Replica {
    leadership: Arc<Leadership>,
    sequence: SequenceEventsUseCase,
    deliver: DeliverEventsUseCase,
}

impl Replica {
    fn new(world: &World, name: &'static str, publisher: Arc<dyn EventPublisher>) -> Self {
        let leadership = Arc::new(Leadership::new(world.read(), world.clock.clone(), name));
        let sequence = SequenceEventsUseCase::new(
            leadership.clone(),
            SequencingPorts {
                outbox: world.read(),
                sinks: world.read(),
                clock: world.clock.clone(),
                metrics: Arc::new(RecordingRelayMetrics::default()),
            },
            Duration::from_hours(24),
        );
        let deliver = DeliverEventsUseCase::new(leadership.clone(), world.read(), world.read(), publisher);
        Self { leadership, sequence, deliver }
    }

    async fn try_deliver(&self) -> Result<SinkPass, ApplicationError> {
        self.deliver.execute().await
    }

    async fn deliver(&self) -> SinkPass {
        self.try_deliver().await.expect("a pass")
    }

    async fn sequence(&self) -> u32 {
        self.sequence.execute().await.expect("a pass").sequenced
    }
}

fn passed(passed: u64) -> SinkPass {
    SinkPass { leads: true, passed, more: false, failed: false }
}

fn about(events: &[FeedEvent]) -> Vec<PredictionId> {
    events.iter().filter_map(|event| event.prediction_id).collect()
}

/// Stores `count` predictions and returns their ids, oldest first.
async fn predict_many(world: &World, count: usize) -> Vec<PredictionId> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(world.predict("good").await.id);
    }
    ids
}

/// The position of the sink `log` and the events that it has lost.
async fn log(world: &World) -> (i64, u64) {
    let sinks = world.store.list().await.expect("the sinks can be read");
    let log = sinks.into_iter().find(|sink| sink.name == "log").expect("the sink exists");
    (log.position, log.lost)
}

#[tokio::test]
async fn events_are_published_once_in_the_order_of_their_positions() {
    let world = World::new();
    let publisher = Arc::new(RecordingPublisher::new());
    let replica = Replica::new(&world, "a", publisher.clone());
    assert_eq!(replica.deliver().await, passed(0));
    let first = predict_many(&world, 3).await;
    assert_eq!(replica.deliver().await, passed(0), "an event without a position waits");
    replica.sequence().await;
    assert_eq!(replica.deliver().await, passed(3));
    let second = predict_many(&world, 2).await;
    replica.sequence().await;
    assert_eq!(replica.deliver().await, passed(2));
    assert_eq!(replica.deliver().await, passed(0));
    assert_eq!(about(&publisher.published()), [first, second].concat());
}

#[tokio::test]
async fn a_pass_publishes_a_bounded_number_and_reports_that_more_wait() {
    let world = World::new();
    let expected = predict_many(&world, 300).await;
    let publisher = Arc::new(RecordingPublisher::new());
    let replica = Replica::new(&world, "a", publisher.clone());
    replica.sequence().await;
    assert_eq!(replica.deliver().await, SinkPass { more: true, ..passed(256) });
    assert_eq!(replica.deliver().await, passed(44));
    assert_eq!(about(&publisher.published()), expected);
}

#[tokio::test]
async fn a_publisher_that_fails_delays_neither_the_feed_nor_other_sinks() {
    let world = World::new();
    let broken = Arc::new(RecordingPublisher::new());
    broken.fail_next(usize::MAX);
    let replica = Replica::new(&world, "a", broken.clone());
    for _ in 0..3 {
        predict_many(&world, 4).await;
        assert_eq!(replica.sequence().await, 4);
        assert_eq!(replica.deliver().await, SinkPass { failed: true, ..passed(0) });
    }
    let other = Arc::new(OtherPublisher::default());
    let sink =
        DeliverEventsUseCase::new(replica.leadership.clone(), world.read(), world.read(), other.clone());
    let lease = replica.leadership.lease().await.expect("the store works").expect("it leads");
    world.store.open(&lease, "other").await.expect("the sink is opened");
    predict_many(&world, 2).await;
    replica.sequence().await;
    assert_eq!(sink.execute().await.expect("a pass"), passed(2));
    assert_eq!(log(&world).await, (0, 0));
    broken.fail_next(0);
    assert_eq!(replica.deliver().await, passed(14), "it catches up");
}

/// A publisher beside the log.
#[derive(Default)]
struct OtherPublisher(RecordingPublisher);

#[async_trait]
impl EventPublisher for OtherPublisher {
    fn name(&self) -> &'static str {
        "other"
    }

    async fn publish(&self, events: &[FeedEvent]) -> Vec<Result<(), PublishError>> {
        self.0.publish(events).await
    }
}

#[tokio::test]
async fn the_sink_stops_before_the_first_event_that_failed() {
    let world = World::new();
    let expected = predict_many(&world, 5).await;
    let publisher = Arc::new(RecordingPublisher::new());
    let replica = Replica::new(&world, "a", publisher.clone());
    replica.sequence().await;
    publisher.fail_after(2, 2);
    assert_eq!(replica.deliver().await, SinkPass { failed: true, ..passed(2) });
    assert_eq!(log(&world).await, (2, 0));
    assert_eq!(replica.deliver().await, passed(3));
    assert_eq!(about(&publisher.refused()), expected[2..4]);
    // The event behind those that failed was delivered already; receivers recognize the repetition.
    assert_eq!(about(&publisher.published()), [&expected[..2], &expected[4..], &expected[2..]].concat());
}

#[tokio::test]
async fn a_publisher_that_fails_is_logged_once_a_pass_with_its_cause() {
    let world = World::new();
    predict_many(&world, 3).await;
    let publisher = Arc::new(RecordingPublisher::new());
    let replica = Replica::new(&world, "a", publisher.clone());
    replica.sequence().await;
    publisher.fail_next(2);
    let log = CapturedLog::start();
    replica.deliver().await;
    let errors: Vec<_> = log.lines().into_iter().filter(|line| line.level == tracing::Level::ERROR).collect();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].field("error"), "the event was not published: the receiver is away");
    assert_eq!(errors[0].field("sink"), "log");
}

#[tokio::test]
async fn a_replica_that_does_not_lead_publishes_nothing() {
    let world = World::new();
    predict_many(&world, 2).await;
    let publisher = Arc::new(RecordingPublisher::new());
    let (a, b) = (Replica::new(&world, "a", publisher.clone()), Replica::new(&world, "b", publisher.clone()));
    a.sequence().await;
    assert_eq!(b.deliver().await, SinkPass::FOLLOWER);
    assert_eq!(a.deliver().await, passed(2));
    assert_eq!(publisher.published().len(), 2);
}

/// A publisher so slow that another replica leads and opens the sink meanwhile.
struct SlowPublisher {
    world: Arc<World>,
    published: RecordingPublisher,
}

#[async_trait]
impl EventPublisher for SlowPublisher {
    fn name(&self) -> &'static str {
        "log"
    }

    async fn publish(&self, events: &[FeedEvent]) -> Vec<Result<(), PublishError>> {
        self.world.clock.advance(Duration::from_secs(11));
        let ttl = Duration::from_secs(10);
        let taken = self.world.store.acquire("outbox-relay", "b", ttl).await;
        let taken = taken.expect("the store answers").expect("the lease has expired");
        self.world.store.open(&taken, "log").await.expect("the sink is opened");
        self.published.publish(events).await
    }
}

#[tokio::test]
async fn a_sink_that_another_replica_has_opened_is_not_moved_and_its_events_are_published_again() {
    let world = Arc::new(World::new());
    let expected = predict_many(&world, 1).await;
    let slow = Arc::new(SlowPublisher { world: world.clone(), published: RecordingPublisher::new() });
    let a = Replica::new(&world, "a", slow.clone());
    a.sequence().await;
    assert_eq!(a.deliver().await, SinkPass::FOLLOWER);
    assert_eq!(log(&world).await, (0, 0));

    let publisher = Arc::new(RecordingPublisher::new());
    let b = Replica::new(&world, "b", publisher.clone());
    assert_eq!(b.deliver().await, passed(1));
    assert_eq!(about(&publisher.published()), expected);
    assert_eq!(about(&slow.published.published()), expected);
}

#[tokio::test]
async fn a_sink_goes_on_after_events_that_were_purged_and_counts_them() {
    let world = World::new();
    let publisher = Arc::new(RecordingPublisher::new());
    let replica = Replica::new(&world, "a", publisher.clone());
    predict_many(&world, 3).await;
    replica.sequence().await;
    publisher.fail_after(1, usize::MAX);
    replica.deliver().await;
    let expected = predict_many(&world, 2).await;
    replica.sequence().await;
    world.store.purge(Duration::ZERO, 3).await.expect("the store works");
    publisher.fail_next(0);
    let captured = CapturedLog::start();
    assert_eq!(replica.deliver().await, passed(2));
    assert_eq!(log(&world).await, (5, 2));
    assert_eq!(about(&publisher.published())[1..], expected);
    let errors: Vec<_> =
        captured.lines().into_iter().filter(|line| line.level == tracing::Level::ERROR).collect();
    assert_eq!(errors[0].field("lost"), "2");
}

#[tokio::test]
async fn an_unavailable_store_fails_the_pass_and_nothing_is_published() {
    let world = World::new();
    predict_many(&world, 2).await;
    let publisher = Arc::new(RecordingPublisher::new());
    let replica = Replica::new(&world, "a", publisher.clone());
    replica.sequence().await;
    world.store.fail_with("the connection broke");
    assert_eq!(failure(&replica.try_deliver().await), ("unavailable", "store"));
    assert!(publisher.published().is_empty());
    world.store.recover();
    assert_eq!(replica.deliver().await, passed(2));
}
