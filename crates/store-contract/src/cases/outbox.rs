//! The outbox and the feed: positions, reading and purging.

use std::time::{Duration, Instant};

use application::dtos::PredictSentimentResponse;
use application::ports::{FeedBounds, FeedEvent, Lease, UnitOfWork};
use domain::entities::Prediction;
use domain::events::DomainEvent;
use domain::value_objects::{
    EventId, Metadata, MetadataValue, PredictionFacts, PredictionResult, Sentiment, TenantId, Timestamp,
    TraceParent,
};

use crate::StoreHarness;
use crate::cases::leases::take_over;
use crate::samples::{FIRST, Samples, classified, dimensions, metadata, tenant, text};
use crate::steps::{append, assert_conflict, events, insert, lead, spawn_commit, try_insert};

/// The age at which events are purged: so short that a test can wait for it.
const AGE: Duration = Duration::from_millis(500);
/// More events than any test commits.
pub(super) const ANY: u32 = 1_000;

/// `seconds` after the first sample was made.
fn at(seconds: u64) -> Timestamp {
    Timestamp::from_micros(FIRST).plus(Duration::from_secs(seconds))
}

pub(super) async fn sequence(store: &impl StoreHarness, lease: &Lease, limit: u32) -> u32 {
    store.outbox().sequence(lease, limit).await.expect("the events get positions")
}

async fn purge(store: &impl StoreHarness, age: Duration) -> u64 {
    store.outbox().purge(age, ANY).await.expect("the store works")
}

async fn bounds(store: &impl StoreHarness) -> (i64, i64) {
    let FeedBounds { purged, last } = store.event_feed().bounds().await.expect("the store works");
    (purged, last)
}

async fn read(
    store: &impl StoreHarness,
    tenant: Option<&TenantId>,
    after: i64,
    up_to: i64,
) -> Vec<FeedEvent> {
    store.event_feed().read(tenant, after, up_to).await.expect("the events can be read")
}

/// More than the difference between two clocks' measurements of [`AGE`].
pub(super) const MARGIN: Duration = Duration::from_millis(50);

/// Waits until every earlier event is older than [`AGE`].
async fn grow_old() {
    let started = Instant::now();
    while started.elapsed() < AGE + MARGIN {
        tokio::time::sleep(MARGIN).await;
    }
}

async fn feed_ids(store: &impl StoreHarness) -> Vec<EventId> {
    events(store).await.iter().map(|event| event.event_id).collect()
}

fn event_ids(events: &[DomainEvent]) -> Vec<EventId> {
    events.iter().map(DomainEvent::event_id).collect()
}

/// Inserts `count` samples, one set each; returns the ids of their events.
pub(super) async fn insert_events(
    store: &impl StoreHarness,
    samples: &mut Samples,
    count: usize,
) -> Vec<EventId> {
    let mut events = Vec::new();
    for prediction in samples.many(count) {
        insert(store, std::slice::from_ref(&prediction)).await;
        events.extend(event_ids(prediction.events()));
    }
    events
}

/// Events get positions in the order in which their sets were committed and, within a set, recorded, whatever their ids
/// and times are.
pub async fn positions_follow_the_order_of_the_write_sets(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let mut predictions = samples.many(30);
    predictions.reverse();
    let mut expected = Vec::new();
    for set in predictions.chunks(4) {
        insert(store, set).await;
        expected.extend(set.iter().flat_map(|prediction| event_ids(prediction.events())));
    }
    let of_the_first = samples.deleted(&predictions[29], at(0));
    append(store, std::slice::from_ref(&of_the_first)).await;
    expected.push(of_the_first.event_id());
    assert_eq!(feed_ids(store).await, expected);
}

/// Concurrent sets may be applied in any order, but each set's events stay in theirs.
pub async fn events_of_one_set_stay_in_order_beside_others(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let sets: Vec<Vec<DomainEvent>> = (0..32)
        .map(|_| {
            let mut events: Vec<_> = samples.many(5).iter().flat_map(|it| it.events().to_vec()).collect();
            events.reverse();
            events
        })
        .collect();
    let commits: Vec<_> = sets
        .iter()
        .map(|events| {
            let mut work = UnitOfWork::of(&TenantId::default());
            work.append(events);
            spawn_commit(store, work)
        })
        .collect();
    for commit in commits {
        commit.await.expect("the commit does not panic").expect("the set is committed");
    }
    let listed = feed_ids(store).await;
    assert_eq!(listed.len(), 32 * 5);
    for events in &sets {
        let places: Vec<_> =
            events.iter().map(|event| listed.iter().position(|id| *id == event.event_id())).collect();
        assert!(places.is_sorted() && places[0].is_some(), "{places:?}");
    }
}

/// What consumers count about `prediction`.
fn facts(prediction: &Prediction) -> PredictionFacts {
    PredictSentimentResponse::from(prediction).facts(&dimensions())
}

/// An event has every field of the appended one, and the facts that consumers count.
pub async fn an_event_comes_back_as_it_was_appended(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let made = samples.one_with(|new| {
        new.metadata = metadata([("source", MetadataValue::Text("an \"app\"".to_owned()))]);
    });
    let bare = samples.one_with(|new| {
        new.metadata = Metadata::default();
        new.result = PredictionResult::raw(Vec::new());
    });
    let trace = TraceParent::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let deleted = samples.deleted(&made, at(5));
    let mut work = UnitOfWork::of(&TenantId::default());
    work.trace(trace.clone());
    for prediction in [&made, &bare] {
        work.insert(prediction);
        work.append(prediction.events());
    }
    store.writes().commit(work).await.expect("the set is committed");
    append(store, std::slice::from_ref(&deleted)).await;

    let fed = events(store).await;
    let appended = [&made.events()[0], &bare.events()[0], &deleted];
    let about = [&made, &bare, &made];
    for ((event, appended), about) in fed.iter().zip(appended).zip(about) {
        assert_eq!(event.tenant.as_str(), "default");
        assert_eq!(event.event_id, appended.event_id());
        assert_eq!(event.event_type, appended.event_type());
        assert_eq!(event.aggregate_type, "prediction");
        assert_eq!(event.aggregate_id, about.id().to_string());
        assert_eq!(event.prediction_id, Some(about.id()));
        assert_eq!(event.occurred_at, appended.occurred_at());
        assert_eq!(event.facts, Some(facts(about)));
    }
    let traces: Vec<_> = fed.iter().map(|event| event.traceparent.clone()).collect();
    assert_eq!(traces, [trace.clone(), trace, None]);
    assert_eq!(fed.iter().map(|event| event.position).collect::<Vec<_>>(), [1, 2, 3]);
}

/// The payload is a flat JSON object of the event's own fields, null where it has none, and never the text.
pub async fn payloads_hold_the_events_fields_and_no_text(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let secret = "the secret words of the text";
    let results = [
        classified(Sentiment::Positive, 0.1 + 0.2),
        PredictionResult::raw(Vec::new()),
        PredictionResult::raw(vec![domain::value_objects::LabelScore {
            label: "a \"quoted\" \\ label\n😀".to_owned(),
            score: 1.0,
            logit: None,
        }]),
    ];
    let predictions = results.map(|result| {
        samples.one_with(|new| {
            new.text = text(secret);
            new.result = result;
        })
    });
    insert(store, &predictions).await;
    let deleted = samples.deleted(&predictions[0], at(1));
    append(store, std::slice::from_ref(&deleted)).await;

    let appended = predictions.iter().flat_map(|it| it.events().to_vec()).chain([deleted]);
    for (fed, event) in events(store).await.iter().zip(appended) {
        let payload: serde_json::Value = serde_json::from_str(&fed.payload).expect("the payload is JSON");
        let fields = event.payload().into_iter().map(|(name, value)| {
            let value = match value {
                None => serde_json::Value::Null,
                Some(MetadataValue::Text(text)) => text.into(),
                Some(MetadataValue::Integer(number)) => number.into(),
                Some(MetadataValue::Float(number)) => number.into(),
                Some(MetadataValue::Bool(value)) => value.into(),
            };
            (name.into_owned(), value)
        });
        assert_eq!(payload, serde_json::Value::Object(fields.collect()));
        assert!(!fed.payload.contains("secret"));
    }
}

/// Every event has the position after that of the one before, however many get theirs at a time.
pub async fn positions_have_no_gaps(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let lease = lead(&*store.leases()).await;
    assert_eq!(sequence(store, &lease, ANY).await, 0);
    let appended = insert_events(store, &mut samples, 7).await;
    let mut given = Vec::new();
    for limit in [1, 4, 0, ANY, ANY] {
        given.push(sequence(store, &lease, limit).await);
    }
    assert_eq!(given, [1, 4, 0, 2, 0]);
    let later = insert_events(store, &mut samples, 2).await;
    assert_eq!(sequence(store, &lease, ANY).await, 2);
    let fed = read(store, None, 0, 100).await;
    let positions: Vec<_> = fed.iter().map(|event| (event.position, event.event_id)).collect();
    assert_eq!(positions, (1..).zip([appended, later].concat()).collect::<Vec<_>>());
}

/// A position that was given does not change.
pub async fn a_position_is_given_once(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    insert_events(store, &mut samples, 3).await;
    let before = events(store).await;
    insert_events(store, &mut samples, 2).await;
    let after = events(store).await;
    assert_eq!(after[..3], before);
    assert_eq!(after.len(), 5);
}

/// A relay that lost or released the lease gives no position.
pub async fn a_lost_lease_sequences_nothing(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    insert_events(store, &mut samples, 3).await;
    let ttl = Duration::from_millis(100);
    let lost = store.leases().acquire("outbox-relay", "a", ttl).await.expect("the store works");
    let lost = lost.expect("the lease is free");
    let won = take_over(store, "outbox-relay", "b").await;
    assert_conflict(&store.outbox().sequence(&lost, ANY).await);
    assert_eq!(bounds(store).await, (0, 0));

    assert_eq!(sequence(store, &won, 1).await, 1);
    store.leases().release(&won).await.expect("the store works");
    assert_conflict(&store.outbox().sequence(&won, ANY).await);
    assert_eq!(bounds(store).await, (0, 1));

    // The same process under a new fence: its old lease is no longer valid.
    let again = store.leases().acquire("outbox-relay", "a", Duration::from_mins(30)).await;
    let again = again.expect("the store works").expect("the lease is free");
    assert_conflict(&store.outbox().sequence(&lost, ANY).await);
    assert_eq!(sequence(store, &again, ANY).await, 2);
}

/// No event above the last position asked for, and none at or below the first.
pub async fn the_feed_is_read_up_to_a_position(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    insert_events(store, &mut samples, 9).await;
    let all = events(store).await;
    for (after, up_to) in [(0, 9), (0, 3), (3, 4), (4, 4), (8, 100), (9, 100), (-1, 2)] {
        let expected: Vec<_> =
            all.iter().filter(|event| event.position > after && event.position <= up_to).cloned().collect();
        assert_eq!(read(store, None, after, up_to).await, expected, "{after}..{up_to}");
    }
}

/// One tenant gets its own events, with the positions that they have in the feed of all.
pub async fn the_feed_of_a_tenant_has_its_events_alone(store: &impl StoreHarness) {
    let (one, other) = (tenant("one"), tenant("other"));
    let mut samples = Samples::new();
    for (n, prediction) in samples.many(10).iter().enumerate() {
        let owner = if n % 3 == 0 { &one } else { &other };
        try_insert(store, owner, std::slice::from_ref(prediction)).await.expect("the set is committed");
    }
    let all = events(store).await;
    for owner in [&one, &other] {
        let expected: Vec<_> = all.iter().filter(|event| event.tenant == *owner).cloned().collect();
        assert_eq!(read(store, Some(owner), 0, 100).await, expected);
        assert!(!expected.is_empty());
    }
    assert!(read(store, Some(&tenant("stranger")), 0, 100).await.is_empty());
}

/// The bounds are the last position that was given and the last that was purged.
pub async fn bounds_are_those_of_what_was_sequenced_and_purged(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    assert_eq!(bounds(store).await, (0, 0));
    insert_events(store, &mut samples, 5).await;
    assert_eq!(bounds(store).await, (0, 0), "events without a position are not in the feed");
    events(store).await;
    assert_eq!(bounds(store).await, (0, 5));
    assert_eq!(store.outbox().purge(Duration::ZERO, 2).await.expect("the store works"), 2);
    assert_eq!(bounds(store).await, (2, 5));
    assert_eq!(purge(store, Duration::ZERO).await, 3);
    assert_eq!(bounds(store).await, (5, 5));
    insert_events(store, &mut samples, 1).await;
    assert_eq!(events(store).await[0].position, 6, "positions go on after a purge");
    assert_eq!(bounds(store).await, (5, 6));
}

/// A purge removes events that got their position long enough ago, and neither later ones nor those without one.
pub async fn a_purge_removes_only_old_events_of_the_feed(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let lease = lead(&*store.leases()).await;
    loop {
        insert_events(store, &mut samples, 2).await;
        sequence(store, &lease, ANY).await;
        grow_old().await;
        let young = Instant::now();
        insert_events(store, &mut samples, 1).await;
        sequence(store, &lease, ANY).await;
        insert_events(store, &mut samples, 1).await;
        let purged = purge(store, AGE).await;
        let in_time = young.elapsed() + MARGIN < AGE;
        let left = purge(store, Duration::ZERO).await;
        assert_eq!(sequence(store, &lease, ANY).await, 1, "an event without a position stays");
        assert_eq!(purge(store, Duration::ZERO).await, 1);
        // Otherwise the machine was too slow for a result.
        if in_time {
            assert_eq!((purged, left), (2, 1));
            return;
        }
    }
}

/// A purge removes no more than its limit, the oldest first.
pub async fn a_purge_removes_at_most_its_limit(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    insert_events(store, &mut samples, 5).await;
    let all = events(store).await;
    for (purged, left) in [(2, 3), (2, 1), (1, 0), (0, 0)] {
        let count = store.outbox().purge(Duration::ZERO, 2).await.expect("the store works");
        assert_eq!(count, purged);
        assert_eq!(read(store, None, 0, 100).await, all[5 - left..]);
    }
}

/// The age is that of the first event in the order of insertion, and none where all have a position.
pub async fn the_oldest_event_without_a_position_has_an_age(store: &impl StoreHarness) {
    let hour = Duration::from_hours(1);
    let outbox = store.outbox();
    let age = || async { outbox.oldest_unsequenced_age().await.expect("the store works") };
    assert_eq!(age().await, None);
    let mut samples = Samples::new();
    let made = samples.one();
    let first = samples.deleted(&made, Timestamp::from_micros(FIRST).minus(hour));
    let second = samples.deleted(&made, at(0));
    let in_future = samples.deleted(&made, at(0).plus(hour * 24 * 36_500));
    let lease = lead(&*store.leases()).await;
    append(store, &[first, second, in_future]).await;
    let older = age().await.expect("an event waits");
    sequence(store, &lease, 1).await;
    let younger = age().await.expect("an event waits");
    // Some time passes between the two calls.
    assert!(older > younger + hour / 2 && older <= younger + hour, "{older:?} {younger:?}");
    sequence(store, &lease, 1).await;
    assert_eq!(age().await, Some(Duration::ZERO), "a clock was ahead");
    sequence(store, &lease, 1).await;
    assert_eq!(age().await, None);
}
