//! The rollups, and the sink that counts them.

use std::collections::BTreeMap;
use std::slice;

use application::ports::{
    AdmittedValue, Lease, OutdatedRange, PendingEvent, ProjectionStep, Recount, StoreError, UnitOfWork,
};
use domain::entities::{Prediction, TenantStatus};
use domain::value_objects::{
    Bucket, DimensionValue, Dimensions, MetadataValue, PredictionFacts, Rollup, RollupKey, TenantId,
    Timestamp,
};

use crate::StoreHarness;
use crate::samples::{FIRST, Samples, dimensions, metadata, tenant};
use crate::steps::{add_tenant, assert_conflict, events, insert, lead, set_status, try_insert};

/// The name of the sink.
const SINK: &str = "analytics";

/// The bucket that is `hours` after that of the first sample.
fn bucket(hours: u32) -> Bucket {
    Bucket::containing(Timestamp::from_micros(FIRST)).later(4 * hours)
}

fn range(tenant: &TenantId, first: u32, last: u32) -> OutdatedRange {
    OutdatedRange { tenant: tenant.clone(), first: bucket(first), last: bucket(last) }
}

fn facts(prediction: &Prediction) -> PredictionFacts {
    prediction.events()[0].facts().cloned().expect("facts")
}

/// A sample that is made `hours` after the first, from the source `source`.
fn sample(samples: &mut Samples, hours: u32, source: &str) -> Prediction {
    let source = MetadataValue::Text(source.to_owned());
    samples.one_at(bucket(hours).start(), |new| new.metadata = metadata([("source", source)]))
}

/// The rollups of one prediction.
fn rollups_of(tenant: &TenantId, facts: &PredictionFacts) -> Vec<(RollupKey, Rollup)> {
    let values = facts.dimensions.iter();
    let values = values
        .map(|(dimension, value)| DimensionValue { dimension: dimension.clone(), value: value.clone() });
    let values: Vec<_> = values.collect();
    RollupKey::all_of(tenant, facts, values).map(|key| (key, Rollup::of(facts))).collect()
}

/// The values that `facts` admits.
fn values_of(tenant: &TenantId, facts: &PredictionFacts) -> Vec<AdmittedValue> {
    let day = Bucket::containing(facts.created_at).day();
    let keys = rollups_of(tenant, facts).into_iter().filter_map(|(key, _)| key.dimension);
    keys.map(|value| AdmittedValue { tenant: tenant.clone(), day, value }).collect()
}

/// The step that adds `changes`, in which a key may occur more than once.
pub(crate) fn step(from: i64, to: i64, changes: Vec<(RollupKey, Rollup)>) -> ProjectionStep {
    let mut sums = BTreeMap::<RollupKey, Rollup>::new();
    for (key, rollup) in changes {
        sums.entry(key).or_default().add(&rollup);
    }
    ProjectionStep { from, to, changes: sums.into_iter().collect(), ..ProjectionStep::default() }
}

/// A lease that has opened the sink, which is at its first position.
pub(crate) async fn open(store: &impl StoreHarness) -> Lease {
    let lease = lead(&*store.leases()).await;
    assert_eq!(store.sinks().open(&lease, SINK).await.expect("the sink is opened"), -1);
    lease
}

pub(crate) async fn apply(store: &impl StoreHarness, lease: &Lease, step: &ProjectionStep) {
    store.rollups().apply(lease, step).await.expect("the step is applied");
}

async fn position(store: &impl StoreHarness) -> i64 {
    let sinks = store.sinks().list().await.expect("the sinks can be read");
    sinks.into_iter().find(|sink| sink.name == SINK).expect("the sink").position
}

async fn outdated(store: &impl StoreHarness) -> Vec<OutdatedRange> {
    store.rollups().outdated(100).await.expect("the ranges can be read")
}

fn sorted(mut rollups: Vec<(RollupKey, Rollup)>) -> Vec<(RollupKey, Rollup)> {
    rollups.sort_by(|(one, _), (other, _)| one.cmp(other));
    rollups
}

/// A step adds its counts to those that exist, admits values, marks buckets and moves the cursor.
pub async fn a_step_changes_rollups_and_cursor_together(store: &impl StoreHarness) {
    let (lease, ann, mut samples) = (open(store).await, TenantId::default(), Samples::new());
    let [one, two] = ["web", "app"].map(|source| facts(&sample(&mut samples, 0, source)));
    let both = [rollups_of(&ann, &one), rollups_of(&ann, &two)].concat();
    let first = ProjectionStep {
        admitted: values_of(&ann, &one),
        outdated: vec![range(&ann, 3, 3), range(&ann, 1, 1)],
        ..step(-1, 4, both.clone())
    };
    apply(store, &lease, &first).await;
    assert_eq!(position(store).await, 4);
    assert_eq!(outdated(store).await, first.outdated);
    let days = [(ann.clone(), bucket(0).day())];
    let known = store.rollups().admitted(&days).await.expect("the values can be read");
    assert_eq!(known, first.admitted);

    apply(store, &lease, &step(4, 9, rollups_of(&ann, &one))).await;
    let mut expected = std::collections::BTreeMap::<RollupKey, Rollup>::new();
    for (key, rollup) in both.into_iter().chain(rollups_of(&ann, &one)) {
        expected.entry(key).or_default().add(&rollup);
    }
    assert_eq!(sorted(store.all_rollups().await), expected.into_iter().collect::<Vec<_>>());
}

/// Once another lease has opened the sink, the lost one changes nothing.
pub async fn a_step_of_a_lost_lease_changes_nothing(store: &impl StoreHarness) {
    let (lease, ann, mut samples) = (open(store).await, TenantId::default(), Samples::new());
    let next = Lease { fence: lease.fence + 1, ..lease.clone() };
    store.sinks().open(&next, SINK).await.expect("the sink is opened");
    let facts = facts(&sample(&mut samples, 0, "web"));
    let late = step(-1, 1, rollups_of(&ann, &facts));
    assert_conflict(&store.rollups().apply(&lease, &late).await);
    let recount =
        Recount { at: -1, range: range(&ann, 0, 0), rollups: late.changes.clone(), admitted: Vec::new() };
    assert_conflict(&store.rollups().replace(&lease, &recount).await);
    let restarted = store.rollups().restart(&lease, -1).await;
    assert!(matches!(restarted, Err(StoreError::Conflict { .. })), "{restarted:?}");
    assert_eq!(store.all_rollups().await, []);
    assert_eq!(position(store).await, -1);
    apply(store, &next, &late).await;
}

/// A step is applied from its position only.
pub async fn a_step_is_applied_once(store: &impl StoreHarness) {
    let (lease, ann, mut samples) = (open(store).await, TenantId::default(), Samples::new());
    let once = step(-1, 1, rollups_of(&ann, &facts(&sample(&mut samples, 0, "web"))));
    apply(store, &lease, &once).await;
    assert_conflict(&store.rollups().apply(&lease, &once).await);
    assert_eq!(sorted(store.all_rollups().await), sorted(once.changes));
}

/// A rollup of which everything was subtracted is gone; one that is negative for a while is not.
pub async fn a_rollup_that_becomes_zero_is_removed(store: &impl StoreHarness) {
    let (lease, ann, mut samples) = (open(store).await, TenantId::default(), Samples::new());
    let changes = rollups_of(&ann, &facts(&sample(&mut samples, 0, "web")));
    let negative = changes.iter().map(|(key, rollup)| {
        let mut change = Rollup::default();
        change.subtract(rollup);
        (key.clone(), change)
    });
    let negative: Vec<_> = negative.collect();
    apply(store, &lease, &step(-1, 1, negative.clone())).await;
    assert_eq!(sorted(store.all_rollups().await), sorted(negative.clone()));
    apply(store, &lease, &step(1, 2, changes.clone())).await;
    assert_eq!(store.all_rollups().await, []);
    apply(store, &lease, &step(2, 3, changes.clone())).await;
    assert_eq!(sorted(store.all_rollups().await), sorted(changes));
    apply(store, &lease, &step(3, 4, negative)).await;
    assert_eq!(store.all_rollups().await, []);
}

/// Events that were read before a tenant's rows were removed bring none of them back.
pub async fn nothing_is_counted_for_an_erased_tenant(store: &impl StoreHarness) {
    let (lease, mut samples) = (open(store).await, Samples::new());
    let [ann, bob] = ["ann", "bob"].map(tenant);
    for id in [&ann, &bob] {
        add_tenant(store, id).await;
    }
    set_status(store, &ann, TenantStatus::Active, TenantStatus::Erasing)
        .await
        .expect("the status is changed");
    let facts = facts(&sample(&mut samples, 0, "web"));
    let of_both = |of: fn(&TenantId, &PredictionFacts) -> Vec<(RollupKey, Rollup)>| {
        [of(&ann, &facts), of(&bob, &facts)].concat()
    };
    let counted = ProjectionStep {
        admitted: [values_of(&ann, &facts), values_of(&bob, &facts)].concat(),
        outdated: vec![range(&ann, 1, 1), range(&bob, 2, 2)],
        ..step(-1, 1, of_both(rollups_of))
    };
    apply(store, &lease, &counted).await;
    let recount = Recount {
        at: 1,
        range: range(&ann, 0, 9),
        rollups: rollups_of(&ann, &facts),
        admitted: values_of(&ann, &facts),
    };
    store.rollups().replace(&lease, &recount).await.expect("the range is replaced");
    assert_eq!(sorted(store.all_rollups().await), sorted(rollups_of(&bob, &facts)));
    assert_eq!(outdated(store).await, [range(&bob, 2, 2)]);
    let day = bucket(0).day();
    let known = store.rollups().admitted(&[(ann, day), (bob.clone(), day)]).await;
    assert_eq!(known.expect("the values can be read"), values_of(&bob, &facts));
}

/// The values of the days that are asked for, of each tenant alone.
pub async fn admitted_values_are_returned_by_tenant_and_day(store: &impl StoreHarness) {
    let (lease, mut samples) = (open(store).await, Samples::new());
    let [ann, bob] = ["ann", "bob"].map(tenant);
    let mut admitted = Vec::new();
    for (hours, source) in [(0, "web"), (0, "it's \"ä\" \u{1F600}"), (24, "web"), (48, "app")] {
        let facts = facts(&sample(&mut samples, hours, source));
        admitted.extend(values_of(&ann, &facts));
        if hours == 24 {
            admitted.extend(values_of(&bob, &facts));
        }
    }
    apply(store, &lease, &ProjectionStep { admitted: admitted.clone(), ..step(-1, 1, Vec::new()) }).await;
    // Admitting a value again changes nothing.
    apply(store, &lease, &ProjectionStep { admitted: admitted.clone(), ..step(1, 2, Vec::new()) }).await;
    let day = |hours| bucket(hours).day();
    let wanted = [(ann.clone(), day(0)), (ann, day(24)), (bob.clone(), day(24)), (bob, day(48))];
    let mut known = store.rollups().admitted(&wanted).await.expect("the values can be read");
    known.sort();
    admitted.retain(|value| wanted.contains(&(value.tenant.clone(), value.day)));
    admitted.sort();
    assert_eq!(admitted.len(), 4);
    assert_eq!(known, admitted);
    assert_eq!(store.rollups().admitted(&[]).await.expect("there are none"), []);
}

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
    let delete = async |row: &Prediction, samples: &mut Samples| {
        let event = samples.deleted(row, bucket(1).start());
        let mut work = UnitOfWork::of(&TenantId::default());
        work.delete(row.id());
        work.append(slice::from_ref(&event));
        store.writes().commit(work).await.expect("the row is deleted");
    };
    delete(&rows[1], &mut samples).await;
    insert(store, &rows[3..4]).await;
    let history = range(&ann, 0, 0);
    // The first two events have passed; one of those about the third, the deletion and the fourth are pending.
    let (predictions, pending) = snapshot_of(store, &history, 2, async || {
        delete(&rows[0], &mut samples).await;
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
    let ends = |hours| bucket(hours).end().minus(std::time::Duration::from_micros(1));
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
