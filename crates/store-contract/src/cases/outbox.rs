//! Events on their way out.

use std::time::Duration;

use application::ports::{Lease, StoreError};
use domain::events::DomainEvent;
use domain::value_objects::{EventId, MetadataValue, PredictionResult, Sentiment, Timestamp};

use crate::StoreHarness;
use crate::samples::{FIRST, Samples, judged, text};
use crate::steps::{append, assert_conflict, keep, unpublished};

const TTL: Duration = Duration::from_secs(10);

/// `seconds` after the first sample was made.
fn at(seconds: u64) -> Timestamp {
    Timestamp::from_micros(FIRST).plus(Duration::from_secs(seconds))
}

/// The relay's lease, for `holder` at `now`.
async fn lease(store: &impl StoreHarness, holder: &str, now: Timestamp) -> Lease {
    let lease = store.leases().acquire("outbox-relay", holder, now, TTL).await;
    lease.expect("the store answers").expect("the lease is free")
}

async fn mark(
    store: &impl StoreHarness,
    lease: &Lease,
    events: &[EventId],
    now: Timestamp,
) -> Result<(), StoreError> {
    store.outbox().mark_published(lease, events, now).await
}

async fn purge(store: &impl StoreHarness, before: Timestamp) -> u64 {
    store.outbox().purge_published(before).await.expect("the store answers")
}

async fn unpublished_ids(store: &impl StoreHarness) -> Vec<EventId> {
    unpublished(store).await.iter().map(|event| event.event_id).collect()
}

fn event_ids(events: &[DomainEvent]) -> Vec<EventId> {
    events.iter().map(DomainEvent::event_id).collect()
}

/// Keeps `count` samples, one set each, and gives the ids of their events.
async fn keep_events(store: &impl StoreHarness, samples: &mut Samples, count: usize) -> Vec<EventId> {
    let mut events = Vec::new();
    for prediction in samples.many(count) {
        keep(store, std::slice::from_ref(&prediction)).await;
        events.extend(event_ids(prediction.events()));
    }
    events
}

/// Events are listed in the order in which their sets were committed and, within a set, recorded, whatever
/// their ids and times say.
pub async fn outbox_events_come_in_insertion_order(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let mut predictions = samples.many(30);
    predictions.reverse();
    let mut expected = Vec::new();
    for set in predictions.chunks(4) {
        keep(store, set).await;
        expected.extend(set.iter().flat_map(|prediction| event_ids(prediction.events())));
    }
    let of_the_first = samples.deleted(&predictions[29], at(0));
    append(store, std::slice::from_ref(&of_the_first)).await;
    expected.push(of_the_first.event_id());
    assert_eq!(unpublished_ids(store).await, expected);
}

/// Sets committed at the same time may come in any order, but each set's events keep theirs.
pub async fn events_of_one_set_stay_in_order_beside_others(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let sets: Vec<Vec<DomainEvent>> = (0..32)
        .map(|_| {
            let mut events: Vec<_> = samples.many(5).iter().flat_map(|it| it.events().to_vec()).collect();
            events.reverse();
            events
        })
        .collect();
    let units = store.units();
    let commits: Vec<_> = sets
        .iter()
        .map(|events| {
            let mut work = units.begin(&domain::value_objects::TenantId::default());
            work.outbox().append(events);
            tokio::spawn(work.commit())
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

/// An event comes out with everything that went in.
pub async fn an_event_comes_back_as_it_was_appended(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let made = samples.one();
    let deleted = samples.deleted(&made, at(5));
    keep(store, std::slice::from_ref(&made)).await;
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
        judged(Sentiment::Positive, 0.1 + 0.2),
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
    keep(store, &predictions).await;
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

/// No more events than asked for, the oldest first.
pub async fn at_most_the_limit_of_events_is_listed(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let events = keep_events(store, &mut samples, 7).await;
    for limit in [1, 6, 7, 8] {
        let listed = store.outbox().list_unpublished(limit).await.expect("the events can be read");
        let ids: Vec<_> = listed.iter().map(|event| event.event_id).collect();
        assert_eq!(ids, events[..7.min(limit as usize)]);
    }
}

/// What was marked is not listed again, wherever in the order it stood; the rest stays in its order.
pub async fn published_events_are_not_listed_again(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let events = keep_events(store, &mut samples, 6).await;
    let lease = lease(store, "a", at(0)).await;
    mark(store, &lease, &events[..2], at(1)).await.expect("the events are marked");
    assert_eq!(unpublished_ids(store).await, events[2..]);
    mark(store, &lease, &[events[5], events[3]], at(1)).await.expect("the events are marked");
    assert_eq!(unpublished_ids(store).await, [events[2], events[4]]);
    mark(store, &lease, &[], at(1)).await.expect("nothing to mark is marked");
    let later = keep_events(store, &mut samples, 1).await;
    assert_eq!(unpublished_ids(store).await, [events[2], events[4], later[0]]);
}

/// An event that is published already stays as it is when it is marked again.
pub async fn marking_an_event_again_changes_nothing(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let events = keep_events(store, &mut samples, 2).await;
    let lease = lease(store, "a", at(0)).await;
    mark(store, &lease, &events[..1], at(1)).await.expect("the event is marked");
    mark(store, &lease, &events, at(5)).await.expect("the other event is marked");
    assert!(unpublished(store).await.is_empty());
    assert_eq!(purge(store, at(3)).await, 1, "the first was published before the third second");
    assert_eq!(purge(store, at(6)).await, 1);
}

/// Who lost the lease to another, or gave it back, marks nothing.
pub async fn a_lost_lease_marks_nothing(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let events = keep_events(store, &mut samples, 3).await;
    let lost = lease(store, "a", at(0)).await;
    let won = lease(store, "b", at(11)).await;
    assert_conflict(&mark(store, &lost, &events, at(11)).await);
    assert_eq!(unpublished_ids(store).await, events);

    mark(store, &won, &events[..1], at(12)).await.expect("the holder marks");
    store.leases().release(&won).await.expect("the store answers");
    assert_conflict(&mark(store, &won, &events, at(12)).await);
    assert_eq!(unpublished_ids(store).await, events[1..]);

    // The same process again, under a new fence: what it held before counts no more.
    let again = lease(store, "a", at(13)).await;
    assert_conflict(&mark(store, &lost, &events[1..], at(13)).await);
    mark(store, &again, &events[1..], at(13)).await.expect("the holder marks");
    assert!(unpublished(store).await.is_empty());
}

/// A purge forgets what was published before the instant, and neither later nor unpublished events.
pub async fn a_purge_removes_only_old_published_events(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let events = keep_events(store, &mut samples, 5).await;
    let lease = lease(store, "a", at(0)).await;
    mark(store, &lease, &events[..2], at(1)).await.expect("the events are marked");
    mark(store, &lease, &events[2..3], at(2)).await.expect("the event is marked");

    assert_eq!(purge(store, at(1)).await, 0, "before means before");
    assert_eq!(purge(store, at(2)).await, 2);
    assert_eq!(purge(store, at(2)).await, 0);
    assert_eq!(unpublished_ids(store).await, events[3..]);
    assert_eq!(purge(store, at(1_000_000)).await, 1, "unpublished events stay however old they are");
    assert_eq!(unpublished_ids(store).await, events[3..]);
}
