//! The outbox: listing, publishing and purging events.

use std::time::{Duration, Instant};

use application::ports::{Lease, StoreError, UnitOfWork};
use domain::events::DomainEvent;
use domain::value_objects::{EventId, MetadataValue, PredictionResult, Sentiment, TenantId, Timestamp};

use crate::StoreHarness;
use crate::cases::leases::take_over;
use crate::samples::{FIRST, Samples, classified, text};
use crate::steps::{append, assert_conflict, insert, spawn_commit, unpublished};

/// Longer than any test takes.
const LONG: Duration = Duration::from_mins(30);
/// The age at which events are purged: so short that a test can wait for it.
const AGE: Duration = Duration::from_millis(500);
/// More events than any test publishes.
const ANY: u32 = 1_000;

/// `seconds` after the first sample was made.
fn at(seconds: u64) -> Timestamp {
    Timestamp::from_micros(FIRST).plus(Duration::from_secs(seconds))
}

/// The relay's lease, for `holder` and for `ttl`.
async fn lease(store: &impl StoreHarness, holder: &str, ttl: Duration) -> Lease {
    let lease = store.leases().acquire("outbox-relay", holder, ttl).await;
    lease.expect("the store works").expect("the lease is free")
}

async fn mark(store: &impl StoreHarness, lease: &Lease, events: &[EventId]) -> Result<(), StoreError> {
    store.outbox().mark_published(lease, events).await
}

async fn purge(store: &impl StoreHarness, age: Duration) -> u64 {
    store.outbox().purge_published(age, ANY).await.expect("the store works")
}

/// More than the difference between two clocks' measurements of [`AGE`].
const MARGIN: Duration = Duration::from_millis(50);

/// Waits until every earlier event is older than [`AGE`].
async fn grow_old() {
    let started = Instant::now();
    while started.elapsed() < AGE + MARGIN {
        tokio::time::sleep(MARGIN).await;
    }
}

/// Marks `old`, waits, marks `all`, and purges; returns how many events were purged, and how many published ones
/// remain. None where the machine was too slow for a result.
async fn purge_between(
    store: &impl StoreHarness,
    lease: &Lease,
    old: &[EventId],
    all: &[EventId],
) -> Option<(u64, u64)> {
    mark(store, lease, old).await.expect("the events are marked");
    grow_old().await;
    let young = Instant::now();
    mark(store, lease, all).await.expect("the events are marked");
    let purged = purge(store, AGE).await;
    let in_time = young.elapsed() + MARGIN < AGE;
    let left = purge(store, Duration::ZERO).await;
    in_time.then_some((purged, left))
}

async fn unpublished_ids(store: &impl StoreHarness) -> Vec<EventId> {
    unpublished(store).await.iter().map(|event| event.event_id).collect()
}

fn event_ids(events: &[DomainEvent]) -> Vec<EventId> {
    events.iter().map(DomainEvent::event_id).collect()
}

/// Inserts `count` samples, one set each; returns the ids of their events.
async fn insert_events(store: &impl StoreHarness, samples: &mut Samples, count: usize) -> Vec<EventId> {
    let mut events = Vec::new();
    for prediction in samples.many(count) {
        insert(store, std::slice::from_ref(&prediction)).await;
        events.extend(event_ids(prediction.events()));
    }
    events
}

/// Events are listed in the order in which their sets were committed and, within a set, recorded, whatever
/// their ids and times are.
pub async fn outbox_events_come_in_insertion_order(store: &impl StoreHarness) {
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
    assert_eq!(unpublished_ids(store).await, expected);
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
    let listed = unpublished_ids(store).await;
    assert_eq!(listed.len(), 32 * 5);
    for events in &sets {
        let places: Vec<_> =
            events.iter().map(|event| listed.iter().position(|id| *id == event.event_id())).collect();
        assert!(places.is_sorted() && places[0].is_some(), "{places:?}");
    }
}

/// A listed event has every field of the appended one.
pub async fn an_event_comes_back_as_it_was_appended(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let made = samples.one();
    let deleted = samples.deleted(&made, at(5));
    insert(store, std::slice::from_ref(&made)).await;
    append(store, std::slice::from_ref(&deleted)).await;

    let listed = unpublished(store).await;
    for (listed, event) in listed.iter().zip([&made.events()[0], &deleted]) {
        assert_eq!(listed.tenant.as_str(), "default");
        assert_eq!(listed.event_id, event.event_id());
        assert_eq!(listed.event_type, event.event_type());
        assert_eq!(listed.prediction_id, event.prediction_id());
        assert_eq!(listed.occurred_at, event.occurred_at());
    }
    assert_eq!(listed.len(), 2);
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

    let events = predictions.iter().flat_map(|it| it.events().to_vec()).chain([deleted]);
    for (listed, event) in unpublished(store).await.iter().zip(events) {
        let payload: serde_json::Value = serde_json::from_str(&listed.payload).expect("the payload is JSON");
        let fields = event.payload().into_iter().map(|(name, value)| {
            let value = match value {
                None => serde_json::Value::Null,
                Some(MetadataValue::Text(text)) => text.into(),
                Some(MetadataValue::Integer(number)) => number.into(),
                Some(MetadataValue::Float(number)) => number.into(),
                Some(MetadataValue::Bool(value)) => value.into(),
            };
            (name.to_owned(), value)
        });
        assert_eq!(payload, serde_json::Value::Object(fields.collect()));
        assert!(!listed.payload.contains("secret"));
    }
}

/// No more events than the limit, the oldest first.
pub async fn at_most_the_limit_of_events_is_listed(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let events = insert_events(store, &mut samples, 7).await;
    for limit in [1, 6, 7, 8] {
        let listed = store.outbox().list_unpublished(limit).await.expect("the events can be read");
        let ids: Vec<_> = listed.iter().map(|event| event.event_id).collect();
        assert_eq!(ids, events[..7.min(limit as usize)]);
    }
}

/// A published event is not listed again, wherever in the order it was; the others stay in their order.
pub async fn published_events_are_not_listed_again(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let events = insert_events(store, &mut samples, 6).await;
    let lease = lease(store, "a", LONG).await;
    mark(store, &lease, &events[..2]).await.expect("the events are marked");
    assert_eq!(unpublished_ids(store).await, events[2..]);
    mark(store, &lease, &[events[5], events[3]]).await.expect("the events are marked");
    assert_eq!(unpublished_ids(store).await, [events[2], events[4]]);
    mark(store, &lease, &[]).await.expect("nothing to mark is marked");
    let later = insert_events(store, &mut samples, 1).await;
    assert_eq!(unpublished_ids(store).await, [events[2], events[4], later[0]]);
}

/// Marking a published event again changes nothing.
pub async fn marking_an_event_again_changes_nothing(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let lease = lease(store, "a", LONG).await;
    loop {
        let events = insert_events(store, &mut samples, 2).await;
        let outcome = purge_between(store, &lease, &events[..1], &events).await;
        assert!(unpublished(store).await.is_empty());
        if let Some(outcome) = outcome {
            assert_eq!(outcome, (1, 1), "the first has the age of its first mark");
            return;
        }
    }
}

/// A relay that lost or released the lease marks nothing.
pub async fn a_lost_lease_marks_nothing(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let events = insert_events(store, &mut samples, 3).await;
    let lost = lease(store, "a", Duration::from_millis(100)).await;
    let won = take_over(store, "outbox-relay", "b").await;
    assert_conflict(&mark(store, &lost, &events).await);
    assert_eq!(unpublished_ids(store).await, events);

    mark(store, &won, &events[..1]).await.expect("the holder marks");
    store.leases().release(&won).await.expect("the store works");
    assert_conflict(&mark(store, &won, &events).await);
    assert_eq!(unpublished_ids(store).await, events[1..]);

    // The same process under a new fence: its old lease is no longer valid.
    let again = lease(store, "a", LONG).await;
    assert_conflict(&mark(store, &lost, &events[1..]).await);
    mark(store, &again, &events[1..]).await.expect("the holder marks");
    assert!(unpublished(store).await.is_empty());
}

/// A purge removes events that were published long enough ago, and neither later nor unpublished ones.
pub async fn a_purge_removes_only_old_published_events(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let waiting = insert_events(store, &mut samples, 2).await;
    let lease = lease(store, "a", LONG).await;
    loop {
        let events = insert_events(store, &mut samples, 3).await;
        let outcome = purge_between(store, &lease, &events[..2], &events[2..]).await;
        assert_eq!(unpublished_ids(store).await, waiting, "unpublished events stay however old they are");
        if let Some(outcome) = outcome {
            assert_eq!(outcome, (2, 1));
            break;
        }
    }
    mark(store, &lease, &waiting).await.expect("the events are marked");
    assert_eq!(purge(store, LONG).await, 0);
}

/// A purge removes no more than its limit, the oldest first.
pub async fn a_purge_removes_at_most_its_limit(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let events = insert_events(store, &mut samples, 5).await;
    let lease = lease(store, "a", LONG).await;
    mark(store, &lease, &events).await.expect("the events are marked");
    for expected in [2, 2, 1, 0] {
        let purged = store.outbox().purge_published(Duration::ZERO, 2).await;
        assert_eq!(purged.expect("the store works"), expected);
    }
}

/// The age is that of the first event in the order of insertion, and none where all are published.
pub async fn the_oldest_unpublished_event_has_an_age(store: &impl StoreHarness) {
    let hour = Duration::from_hours(1);
    let outbox = store.outbox();
    let age = || async { outbox.oldest_unpublished_age().await.expect("the store works") };
    assert_eq!(age().await, None);
    let mut samples = Samples::new();
    let made = samples.one();
    let first = samples.deleted(&made, Timestamp::from_micros(FIRST).minus(hour));
    let second = samples.deleted(&made, at(0));
    let in_future = samples.deleted(&made, at(0).plus(hour * 24 * 36_500));
    let lease = lease(store, "a", LONG).await;
    append(store, &[first.clone(), second.clone(), in_future.clone()]).await;
    let older = age().await.expect("an event waits");
    mark(store, &lease, &[first.event_id()]).await.expect("the event is marked");
    let younger = age().await.expect("an event waits");
    // Some time passes between the two calls.
    assert!(older > younger + hour / 2 && older <= younger + hour, "{older:?} {younger:?}");
    mark(store, &lease, &[second.event_id()]).await.expect("the event is marked");
    assert_eq!(age().await, Some(Duration::ZERO), "a clock was ahead");
    mark(store, &lease, &[in_future.event_id()]).await.expect("the event is marked");
    assert_eq!(age().await, None);
}
