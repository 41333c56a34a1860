//! The rollups, and the sink that counts them.

use std::collections::BTreeMap;

use application::ports::{AdmittedValue, Lease, OutdatedRange, ProjectionStep, Recount, StoreError};
use domain::entities::{Prediction, TenantStatus};
use domain::value_objects::{
    Bucket, DimensionValue, MetadataValue, PredictionFacts, Rollup, RollupKey, TenantId, Timestamp,
};

use crate::StoreHarness;
use crate::samples::{FIRST, Samples, metadata, tenant};
use crate::steps::{add_tenant, assert_conflict, lead, set_status};

/// The name of the sink.
const SINK: &str = "analytics";

/// The bucket that is `hours` after that of the first sample.
pub(super) fn bucket(hours: u32) -> Bucket {
    Bucket::containing(Timestamp::from_micros(FIRST)).later(4 * hours)
}

pub(super) fn range(tenant: &TenantId, first: u32, last: u32) -> OutdatedRange {
    OutdatedRange { tenant: tenant.clone(), first: bucket(first), last: bucket(last) }
}

pub(super) fn facts(prediction: &Prediction) -> PredictionFacts {
    prediction.events()[0].facts().cloned().expect("facts")
}

/// A sample that is made `hours` after the first, from the source `source`.
pub(super) fn sample(samples: &mut Samples, hours: u32, source: &str) -> Prediction {
    let source = MetadataValue::Text(source.to_owned());
    samples.one_at(bucket(hours).start(), |new| new.metadata = metadata([("source", source)]))
}

/// The rollups of one prediction.
pub(super) fn rollups_of(tenant: &TenantId, facts: &PredictionFacts) -> Vec<(RollupKey, Rollup)> {
    let values = facts.dimensions.iter();
    let values = values
        .map(|(dimension, value)| DimensionValue { dimension: dimension.clone(), value: value.clone() });
    let values: Vec<_> = values.collect();
    RollupKey::all_of(tenant, facts, values).map(|key| (key, Rollup::of(facts))).collect()
}

/// The values that `facts` admits.
pub(super) fn values_of(tenant: &TenantId, facts: &PredictionFacts) -> Vec<AdmittedValue> {
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

pub(super) async fn position(store: &impl StoreHarness) -> i64 {
    let sinks = store.sinks().list().await.expect("the sinks can be read");
    sinks.into_iter().find(|sink| sink.name == SINK).expect("the sink").position
}

pub(super) async fn outdated(store: &impl StoreHarness) -> Vec<OutdatedRange> {
    store.rollups().outdated(100).await.expect("the ranges can be read")
}

pub(super) fn sorted(mut rollups: Vec<(RollupKey, Rollup)>) -> Vec<(RollupKey, Rollup)> {
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
