//! What is counted again: outdated ranges, and the snapshots of the history that they are counted from.

use std::slice;
use std::time::Duration;

use application::ports::{OutdatedRange, PendingEvent, ProjectionStep, Recount, StoreError, UnitOfWork};
use domain::entities::Prediction;
use domain::value_objects::{Dimensions, PredictionFacts, RollupKey, TenantId};

use crate::StoreHarness;
use crate::cases::rollups::{
    apply, bucket, facts, open, outdated, position, range, rollups_of, sample, sorted, step, values_of,
};
use crate::samples::{Samples, dimensions, tenant};
use crate::steps::{assert_conflict, events, insert, try_insert};

/// What was counted in the range is replaced, of every dimension, value and sentiment; nothing else is.
pub async fn a_recount_replaces_the_rollups_of_its_range(store: &impl StoreHarness) {
    let (lease, mut samples) = (open(store).await, Samples::new());
    let [ann, bob] = ["ann", "bob"].map(tenant);
    let (mut changes, mut admitted) = (Vec::new(), Vec::new());
    for hours in [0, 1, 30, 31] {
        for source in ["web", "app", Dimensions::NONE, Dimensions::OTHER] {
            for id in [&ann, &bob] {
                let facts = facts(&sample(&mut samples, hours, source));
                changes.extend(rollups_of(id, &facts));
                admitted.extend(values_of(id, &facts));
            }
        }
    }
    admitted.retain(|value| !value.value.value.starts_with('('));
    admitted.sort();
    admitted.dedup();
    apply(store, &lease, &ProjectionStep { admitted, ..step(-1, 1, changes) }).await;
    let before = store.all_rollups().await;

    let new = facts(&sample(&mut samples, 30, "new"));
    let recount = Recount {
        at: 1,
        range: range(&ann, 1, 30),
        rollups: rollups_of(&ann, &new),
        admitted: values_of(&ann, &new),
    };
    store.rollups().replace(&lease, &recount).await.expect("the range is replaced");
    let is_replaced = |key: &RollupKey| key.tenant == ann && (bucket(1)..=bucket(30)).contains(&key.bucket);
    let stay = before.into_iter().filter(|(key, _)| !is_replaced(key));
    let expected = stay.chain(rollups_of(&ann, &new)).collect();
    assert_eq!(sorted(store.all_rollups().await), sorted(expected));
    assert_eq!(position(store).await, 1);
    let elsewhere = Recount { at: 0, ..recount };
    assert_conflict(&store.rollups().replace(&lease, &elsewhere).await);
}

/// A part that was counted is taken out of every range that contains it.
pub async fn a_recount_leaves_the_rest_outdated(store: &impl StoreHarness) {
    let lease = open(store).await;
    let [ann, bob] = ["ann", "bob"].map(tenant);
    let ranges = vec![range(&ann, 0, 10), range(&ann, 8, 14), range(&bob, 0, 10)];
    apply(store, &lease, &ProjectionStep { outdated: ranges, ..step(-1, 1, Vec::new()) }).await;
    let replace = async |part: OutdatedRange| {
        let recount = Recount { at: 1, range: part, rollups: Vec::new(), admitted: Vec::new() };
        store.rollups().replace(&lease, &recount).await.expect("the range is replaced");
    };
    replace(range(&ann, 9, 10)).await;
    let before = |hours: u32| bucket(hours).earlier(1);
    let after = |hours: u32| bucket(hours).later(1);
    let of = |id: &TenantId, first, last| OutdatedRange { tenant: id.clone(), first, last };
    let rest = outdated(store).await;
    let last = of(&ann, after(10), bucket(14));
    assert_eq!(rest[0], last);
    assert_eq!(rest[1], range(&bob, 0, 10));
    // What both ranges have in common may be marked twice.
    assert!(rest[2..].contains(&of(&ann, bucket(0), before(9))), "{rest:?}");
    replace(range(&ann, 0, 9)).await;
    assert_eq!(outdated(store).await, [last.clone(), range(&bob, 0, 10)]);
    replace(last).await;
    replace(range(&bob, 0, 10)).await;
    assert_eq!(outdated(store).await, []);
}

/// The last prediction of the tenant in the range, whatever lies around it.
pub async fn the_last_prediction_of_a_range_is_found(store: &impl StoreHarness) {
    let (ann, bob, mut samples) = (TenantId::default(), tenant("bob"), Samples::new());
    let of_ann: Vec<_> = [0, 5, 9].map(|hours| sample(&mut samples, hours, "web")).into();
    insert(store, &of_ann).await;
    try_insert(store, &bob, &[sample(&mut samples, 7, "web")]).await.expect("the row is inserted");
    for (first, last, expected) in
        [(0, 9, Some(9)), (0, 8, Some(5)), (5, 5, Some(5)), (6, 8, None), (10, 90_000, None), (1, 4, None)]
    {
        let found = store.rollups().last_prediction(&range(&ann, first, last)).await;
        assert_eq!(found.expect("the rows can be read"), expected.map(bucket), "{first} to {last}");
    }
}

/// What a snapshot shows, in one list each, read two rows at a time.
async fn snapshot_of(
    store: &impl StoreHarness,
    range: &OutdatedRange,
    after: i64,
    beside: impl AsyncFnOnce(),
) -> (Vec<PredictionFacts>, Vec<PendingEvent>) {
    let history = store.rollups().history(range, after, &dimensions()).await;
    let mut history = history.expect("the snapshot is opened");
    beside().await;
    let (mut predictions, mut pending) = (Vec::new(), Vec::new());
    while let Some(page) = history.next_predictions(2).await.expect("the rows can be read") {
        assert!(page.len() <= 2);
        predictions.extend(page);
    }
    while let Some(page) = history.next_pending(2).await.expect("the events can be read") {
        assert!(page.len() <= 2);
        pending.extend(page);
    }
    (predictions, pending)
}

/// Rows and events that are committed after a snapshot was opened are not in it, neither the one nor the other.
pub async fn a_snapshot_shows_one_instant(store: &impl StoreHarness) {
    let (ann, mut samples) = (TenantId::default(), Samples::new());
    let rows: Vec<_> = (0..5).map(|_| sample(&mut samples, 0, "web")).collect();
    insert(store, &rows[..3]).await;
    events(store).await;
    delete(store, &rows[1], &mut samples).await;
    insert(store, &rows[3..4]).await;
    let history = range(&ann, 0, 0);
    // The first two events have passed; one of those about the third, the deletion and the fourth are pending.
    let (predictions, pending) = snapshot_of(store, &history, 2, async || {
        delete(store, &rows[0], &mut samples).await;
        insert(store, &rows[4..]).await;
        events(store).await;
    })
    .await;
    assert_eq!(predictions, [&rows[0], &rows[2], &rows[3]].map(facts));
    let expected = [
        PendingEvent::Predicted(facts(&rows[2])),
        PendingEvent::Deleted(facts(&rows[1])),
        PendingEvent::Predicted(facts(&rows[3])),
    ];
    assert_eq!(pending, expected);
    let (predictions, pending) = snapshot_of(store, &history, 7, async || {}).await;
    assert_eq!(predictions, [&rows[2], &rows[3], &rows[4]].map(facts));
    assert_eq!(pending, []);
}

/// The predictions of the tenant in the range, in the order of their ids; a row that cannot be read is left out.
pub async fn a_snapshot_shows_the_predictions_of_its_range(store: &impl StoreHarness) {
    let (ann, bob, mut samples) = (TenantId::default(), tenant("bob"), Samples::new());
    let ends = |hours| bucket(hours).end().minus(Duration::from_micros(1));
    let rows = [
        samples.one_at(ends(0), |_| {}),
        samples.one_at(bucket(1).start(), |_| {}),
        samples.one_at(bucket(1).start(), |_| {}),
        sample(&mut samples, 2, "it's"),
        samples.one_at(ends(3), |_| {}),
        samples.one_at(bucket(3).end(), |_| {}),
    ];
    insert(store, &rows).await;
    try_insert(store, &bob, &[sample(&mut samples, 2, "web")]).await.expect("the row is inserted");
    let (predictions, pending) = snapshot_of(store, &range(&ann, 1, 3), 0, async || {}).await;
    assert_eq!(predictions, [1, 2, 3, 4].map(|n: usize| facts(&rows[n])));
    assert_eq!(pending, [1, 2, 3, 4].map(|n: usize| PendingEvent::Predicted(facts(&rows[n]))));
    store.spoil(rows[2].id()).await;
    let (predictions, _) = snapshot_of(store, &range(&ann, 1, 3), 0, async || {}).await;
    assert_eq!(predictions, [1, 3, 4].map(|n: usize| facts(&rows[n])));
}

/// A restart marks all histories and continues at the end of the feed.
pub async fn a_restart_marks_every_history_outdated(store: &impl StoreHarness) {
    let (ann, bob, mut samples) = (TenantId::default(), tenant("bob"), Samples::new());
    insert(store, &[sample(&mut samples, 1, "web"), sample(&mut samples, 5, "web")]).await;
    try_insert(store, &bob, &[sample(&mut samples, 3, "web")]).await.expect("the row is inserted");
    assert_eq!(events(store).await.len(), 3);
    insert(store, &[sample(&mut samples, 6, "web")]).await;
    let lease = open(store).await;
    assert_eq!(store.rollups().restart(&lease, -1).await.expect("the sink restarts"), 3);
    assert_eq!(position(store).await, 3);
    assert_eq!(outdated(store).await, [range(&ann, 1, 6), range(&bob, 3, 3)]);
    let again = store.rollups().restart(&lease, -1).await;
    assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
}

/// Nothing but its deletion may be left of a prediction whose creation was purged uncounted.
pub async fn a_restart_marks_the_bucket_of_a_deletion_without_a_position(store: &impl StoreHarness) {
    let (ann, mut samples) = (TenantId::default(), Samples::new());
    let rows = [sample(&mut samples, 3, "web"), sample(&mut samples, 5, "web")];
    insert(store, &rows).await;
    assert_eq!(events(store).await.len(), 2);
    delete(store, &rows[0], &mut samples).await;
    let lease = open(store).await;
    assert_eq!(store.rollups().restart(&lease, -1).await.expect("the sink restarts"), 2);
    assert_eq!(outdated(store).await, [range(&ann, 5, 5), range(&ann, 3, 3)]);
}

/// Deletes a row, without a position for its event yet.
async fn delete(store: &impl StoreHarness, row: &Prediction, samples: &mut Samples) {
    let event = samples.deleted(row, bucket(1).start());
    let mut work = UnitOfWork::of(&TenantId::default());
    work.delete(row.id());
    work.append(slice::from_ref(&event));
    store.writes().commit(work).await.expect("the row is deleted");
}

/// A mark covers all predictions and all rollups of its tenant, and replaces its other marks.
pub async fn a_history_is_marked_from_its_first_bucket_to_its_last(store: &impl StoreHarness) {
    let (lease, mut samples) = (open(store).await, Samples::new());
    let [ann, bob] = ["ann", "bob"].map(tenant);
    assert_eq!(store.rollups().mark_outdated(None).await.expect("the histories are marked"), 0);
    for id in [&ann, &bob] {
        let rows = [4, 6].map(|hours| sample(&mut samples, hours, "web"));
        try_insert(store, id, &rows).await.expect("the rows are inserted");
    }
    let counted = [2, 5].map(|hours| rollups_of(&ann, &facts(&sample(&mut samples, hours, "web")))).concat();
    let counted = ProjectionStep { outdated: vec![range(&ann, 3, 4)], ..step(-1, 1, counted) };
    apply(store, &lease, &counted).await;
    let mark = async |id| store.rollups().mark_outdated(id).await.expect("the histories are marked");
    assert_eq!(mark(Some(&ann)).await, 1);
    assert_eq!(outdated(store).await, [range(&ann, 2, 6)]);
    assert_eq!(mark(None).await, 2);
    assert_eq!(mark(None).await, 2);
    assert_eq!(outdated(store).await, [range(&ann, 2, 6), range(&bob, 4, 6)]);
    assert_eq!(mark(Some(&tenant("carl"))).await, 0);
}
