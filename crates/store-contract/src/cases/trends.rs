//! The sums of rollups, and how far they count.

use std::collections::BTreeMap;
use std::time::Duration;

use application::ports::{
    Counted, GroupLimits, GroupedRollups, OutdatedRange, ProjectionStep, RollupGrouping, RollupSelection,
    RollupSum,
};
use domain::value_objects::{Bucket, DimensionValue, Dimensions, Rollup, RollupKey, Sentiment, TenantId};

use crate::StoreHarness;
use crate::cases::rollups::{apply, open, step};
use crate::samples::{Samples, tenant};
use crate::steps::{insert, try_insert};
use crate::trends::{bucket, fill};

/// More groups and rows than any case has.
const ALL: GroupLimits = GroupLimits { groups: 100, rows: 100 };

/// The sum that stands for the number `n`.
fn sum(n: i64) -> RollupSum {
    RollupSum { predictions: n, truncated: 10 * n, confident: 100 * n, confidence_sum: 1_000 * n }
}

/// The number that `sum` stands for.
fn number(sum: RollupSum) -> i64 {
    assert_eq!(sum, self::sum(sum.predictions));
    sum.predictions
}

/// A rollup of the number `n` at `quarter`: a positive one of the default tenant, of all values and of revision 1 of
/// the model `a`, but for `change`.
fn rollup(quarter: i64, n: i64, change: impl FnOnce(&mut RollupKey)) -> (RollupKey, Rollup) {
    let mut key = RollupKey {
        tenant: TenantId::default(),
        dimension: None,
        sentiment: Some(Sentiment::Positive),
        bucket: bucket(quarter),
        model_name: "a".to_owned(),
        model_revision: "1".to_owned(),
    };
    change(&mut key);
    let RollupSum { predictions, truncated, confident, confidence_sum } = sum(n);
    (key, Rollup { predictions, truncated, confident, confidence_sum, ..Rollup::default() })
}

/// A value of the dimension `channel`.
fn channel(value: &str) -> DimensionValue {
    DimensionValue { dimension: "channel".to_owned(), value: value.to_owned() }
}

/// [`rollup`] of a channel.
fn of_channel(value: &str, quarter: i64, n: i64) -> (RollupKey, Rollup) {
    rollup(quarter, n, |key| key.dimension = Some(channel(value)))
}

fn buckets(quarters: &[i64]) -> Vec<Bucket> {
    quarters.iter().copied().map(bucket).collect()
}

fn grouped(tenant: &TenantId, selection: &RollupSelection, grouping: &RollupGrouping) -> GroupedRollups {
    GroupedRollups { tenant: tenant.clone(), selection: selection.clone(), grouping: grouping.clone() }
}

fn by_channel() -> GroupedRollups {
    let grouping = RollupGrouping::Dimension("channel".to_owned());
    grouped(&TenantId::default(), &RollupSelection::default(), &grouping)
}

fn by_model() -> GroupedRollups {
    grouped(&TenantId::default(), &RollupSelection::default(), &RollupGrouping::Model)
}

/// The numbers of a series by place and sentiment, in order.
async fn series(
    store: &impl StoreHarness,
    tenant: &TenantId,
    selection: &RollupSelection,
    edges: &[i64],
) -> Vec<(usize, Option<Sentiment>, i64)> {
    let cells = store.trends().series(tenant, selection, &buckets(edges)).await;
    let cells = cells.expect("the rollups can be read").into_iter();
    let mut cells: Vec<_> = cells.map(|cell| (cell.bucket, cell.sentiment, number(cell.sum))).collect();
    cells.sort();
    cells
}

/// The groups of the first day with their numbers, and the number of the rest.
async fn groups(
    store: &impl StoreHarness,
    rollups: &GroupedRollups,
    limits: GroupLimits,
) -> Option<(Vec<(String, i64)>, i64)> {
    let totals = store.trends().groups(rollups, (bucket(0), bucket(96)), limits).await;
    let totals = totals.expect("the rollups can be read")?;
    let named = totals.groups.into_iter().map(|group| (group.key, number(group.sums.total())));
    Some((named.collect(), number(totals.rest.total())))
}

/// The numbers of a series of groups by group, place and sentiment.
async fn group_series(
    store: &impl StoreHarness,
    rollups: &GroupedRollups,
    named: &[&str],
    edges: &[i64],
) -> BTreeMap<(Option<usize>, usize, Option<Sentiment>), i64> {
    let named: Vec<_> = named.iter().copied().map(str::to_owned).collect();
    let cells = store.trends().group_series(rollups, &named, &buckets(edges)).await;
    let mut numbers = BTreeMap::new();
    for part in cells.expect("the rollups can be read") {
        *numbers.entry((part.group, part.cell.bucket, part.cell.sentiment)).or_default() +=
            number(part.cell.sum);
    }
    numbers
}

/// The number of all rollups of the first day that are selected, in groups.
async fn number_in_groups(store: &impl StoreHarness, rollups: &GroupedRollups) -> i64 {
    let (named, rest) = groups(store, rollups, ALL).await.expect("few rollups");
    let number = named.iter().map(|(_, number)| number).sum::<i64>() + rest;
    let of_series = group_series(store, rollups, &["a"], &[0, 96]).await;
    assert_eq!(of_series.values().sum::<i64>(), number, "{rollups:?}");
    number
}

/// The number of all rollups of the first day that are selected, in every way to sum them.
async fn number_of(store: &impl StoreHarness, tenant: &TenantId, selection: &RollupSelection) -> i64 {
    let number = series(store, tenant, selection, &[0, 96]).await.iter().map(|cell| cell.2).sum();
    let rollups = grouped(tenant, selection, &RollupGrouping::Model);
    assert_eq!(number_in_groups(store, &rollups).await, number, "{rollups:?}");
    number
}

/// The rollups of other tenants are in no sum.
pub async fn rollups_of_a_tenant_are_summed_alone(store: &impl StoreHarness) {
    let tenants = ["ann", "bob"].map(tenant);
    let mut rollups = Vec::new();
    for (id, n) in tenants.iter().zip([1, 2]) {
        rollups.push(rollup(0, n, |key| key.tenant = id.clone()));
        let (key, counts) = of_channel("web", 0, 10 * n);
        rollups.push((RollupKey { tenant: id.clone(), ..key }, counts));
    }
    fill(store, rollups).await;
    let grouping = RollupGrouping::Dimension("channel".to_owned());
    for (id, n) in tenants.iter().zip([1, 2]).chain([(&TenantId::default(), 0)]) {
        let selection = RollupSelection::default();
        assert_eq!(number_of(store, id, &selection).await, n);
        assert_eq!(number_in_groups(store, &grouped(id, &selection, &grouping)).await, 10 * n);
        let selection = RollupSelection { value: Some(channel("web")), ..selection };
        assert_eq!(number_of(store, id, &selection).await, 10 * n);
    }
}

/// A value of another dimension.
fn region() -> DimensionValue {
    DimensionValue { dimension: "region".to_owned(), ..channel("web") }
}

/// Rollups of every kind, whose numbers are powers of two.
fn one_of_each() -> Vec<(RollupKey, Rollup)> {
    let negative_b = |key: &mut RollupKey| {
        key.sentiment = Some(Sentiment::Negative);
        key.model_name = "b".into();
    };
    vec![
        rollup(0, 1, |_| {}),
        rollup(0, 2, |key| key.model_revision = "2".into()),
        rollup(0, 4, negative_b),
        rollup(0, 8, |key| key.sentiment = None),
        of_channel("web", 0, 16),
        rollup(0, 32, |key| {
            negative_b(key);
            key.dimension = Some(channel("app"));
        }),
        rollup(0, 64, |key| key.dimension = Some(region())),
    ]
}

/// Every condition holds for what is summed; without a value, what has one is not summed again.
pub async fn rollups_are_selected_by_value_sentiment_and_model(store: &impl StoreHarness) {
    fill(store, one_of_each()).await;
    let (positive, negative) = (Some(Sentiment::Positive), Some(Sentiment::Negative));
    let select = |value, sentiment, model: Option<&str>| RollupSelection {
        value,
        sentiment,
        model: model.map(str::to_owned),
    };
    let tenant = TenantId::default();
    for (value, sentiment, model, expected) in [
        (None, None, None, 15),
        (None, positive, None, 3),
        (None, None, Some("a"), 11),
        (None, negative, Some("a"), 0),
        (None, negative, Some("b"), 4),
        (None, None, Some("absent"), 0),
        (Some(channel("web")), None, None, 16),
        (Some(channel("web")), None, Some("b"), 0),
        (Some(channel("app")), negative, Some("b"), 32),
        (Some(channel("app")), positive, None, 0),
        (Some(channel("absent")), None, None, 0),
        (Some(region()), None, None, 64),
    ] {
        let selection = select(value, sentiment, model);
        assert_eq!(number_of(store, &tenant, &selection).await, expected, "{selection:?}");
    }
    let grouping = RollupGrouping::Dimension("channel".to_owned());
    for (sentiment, model, expected) in
        [(None, None, 48), (negative, None, 32), (None, Some("a"), 16), (positive, Some("b"), 0)]
    {
        let rollups = grouped(&tenant, &select(None, sentiment, model), &grouping);
        assert_eq!(number_in_groups(store, &rollups).await, expected, "{rollups:?}");
    }
}

async fn counted(store: &impl StoreHarness) -> Counted {
    let progress = store.trends().progress(&TenantId::default(), bucket(0), bucket(96)).await;
    progress.expect("the progress can be read").counted
}

/// Before its first run the sink has counted no event; where one was purged before, counting must begin again.
pub async fn nothing_is_counted_before_the_first_run(store: &impl StoreHarness) {
    assert_eq!(counted(store).await, Counted::Nothing);
    let lease = open(store).await;
    assert_eq!(counted(store).await, Counted::Nothing);
    apply(store, &lease, &step(-1, 0, Vec::new())).await;
    assert_eq!(counted(store).await, Counted::Everything);

    insert(store, &Samples::new().many(2)).await;
    assert_eq!(store.outbox().sequence(&lease, 2).await.expect("the events get positions"), 2);
    assert_eq!(store.outbox().purge(Duration::ZERO, 2).await.expect("the events are purged"), 2);
    assert_eq!(counted(store).await, Counted::Nothing);
    apply(store, &lease, &step(0, 1, Vec::new())).await;
    assert_eq!(counted(store).await, Counted::Nothing);
    apply(store, &lease, &step(1, 2, Vec::new())).await;
    assert_eq!(counted(store).await, Counted::Everything);
}

/// Events wait until the sink has passed them, with and without a position, those of any tenant.
pub async fn progress_is_that_of_the_oldest_event_that_waits(store: &impl StoreHarness) {
    let (lease, mut samples) = (open(store).await, Samples::new());
    apply(store, &lease, &step(-1, 0, Vec::new())).await;
    let at = |quarter| bucket(quarter).start();
    for quarter in [2, 1, 3] {
        insert(store, &[samples.one_at(at(quarter), |_| {})]).await;
    }
    assert_eq!(counted(store).await, Counted::Until(at(1)), "events without a position wait");
    assert_eq!(store.outbox().sequence(&lease, 3).await.expect("the events get positions"), 3);
    for (position, oldest) in [(0, 1), (1, 1), (2, 3)] {
        assert_eq!(counted(store).await, Counted::Until(at(oldest)), "from {position} on");
        apply(store, &lease, &step(position, position + 1, Vec::new())).await;
    }
    assert_eq!(counted(store).await, Counted::Everything);
    try_insert(store, &tenant("bob"), &[samples.one_at(at(4), |_| {})]).await.expect("the row is inserted");
    assert_eq!(counted(store).await, Counted::Until(at(4)));
}

/// The first bucket of the range that must be counted again.
pub async fn an_outdated_range_is_reported_where_it_overlaps(store: &impl StoreHarness) {
    let (lease, ann) = (open(store).await, TenantId::default());
    let range = |tenant: &TenantId, first, last| {
        let tenant = tenant.clone();
        OutdatedRange { tenant, first: bucket(first), last: bucket(last) }
    };
    let outdated = vec![range(&ann, 10, 11), range(&ann, 20, 29), range(&tenant("bob"), 0, 99)];
    apply(store, &lease, &ProjectionStep { outdated, ..step(-1, 0, Vec::new()) }).await;
    for (first, end, expected) in [
        (0, 96, Some(10)),
        (11, 96, Some(11)),
        (12, 96, Some(20)),
        (0, 10, None),
        (0, 11, Some(10)),
        (12, 20, None),
        (29, 96, Some(29)),
        (30, 96, None),
    ] {
        let progress = store.trends().progress(&ann, bucket(first), bucket(end)).await;
        let recounting_from = progress.expect("the progress can be read").recounting_from;
        assert_eq!(recounting_from, expected.map(bucket), "{first} to {end}");
    }
}

/// An edge belongs to what follows it; what is before the first edge or from the last one on is in no sum.
pub async fn rollups_are_summed_between_edges(store: &impl StoreHarness) {
    let (positive, none) = (Some(Sentiment::Positive), None);
    let mut rollups: Vec<_> =
        [(-1, 1), (0, 2), (3, 4), (4, 8), (7, 16), (8, 32)].map(|(at, n)| rollup(at, n, |_| {})).into();
    rollups.push(rollup(3, 64, |key| key.sentiment = None));
    rollups.push(rollup(3, 128, |key| key.model_name = "b".into()));
    fill(store, rollups).await;
    let edges: [(&[i64], &[_]); 6] = [
        (&[0, 4, 8], &[(0, none, 64), (0, positive, 134), (1, positive, 24)]),
        (&[0, 1, 2, 8], &[(0, positive, 2), (2, none, 64), (2, positive, 156)]),
        (&[-9, 0], &[(0, positive, 1)]),
        (&[9, 10, 11], &[]),
        (&[0], &[]),
        (&[], &[]),
    ];
    for (edges, expected) in edges {
        let cells = series(store, &TenantId::default(), &RollupSelection::default(), edges).await;
        assert_eq!(cells, expected, "{edges:?}");
    }
}

fn named(groups: &[(&str, i64)]) -> Vec<(String, i64)> {
    groups.iter().map(|(key, number)| ((*key).to_owned(), *number)).collect()
}

/// The largest groups of the range by their predictions, those of the same size by their keys; all others are the rest.
pub async fn the_largest_groups_are_named(store: &impl StoreHarness) {
    let mut rollups: Vec<_> = [
        ("web", 0, 2),
        ("web", 95, 3),
        ("web", -1, 100),
        ("mail", 96, 100),
        ("app", 1, 3),
        ("Zoo", 1, 3),
        ("mail", 1, 1),
        (Dimensions::NONE, 1, 4),
        (Dimensions::OTHER, 1, 9),
    ]
    .map(|(value, quarter, n)| of_channel(value, quarter, n))
    .into();
    rollups.push(rollup(1, 2, |key| key.model_revision = "2".into()));
    rollups.push(rollup(1, 4, |_| {}));
    rollups.push(rollup(1, 5, |key| key.model_name = "b".into()));
    rollups.push(rollup(1, 1, |key| {
        key.model_name = "b".into();
        key.sentiment = None;
    }));
    fill(store, rollups).await;

    let most = |groups| GroupLimits { groups, ..ALL };
    let all = [("web", 5), (Dimensions::NONE, 4), ("Zoo", 3), ("app", 3), ("mail", 1)];
    assert_eq!(groups(store, &by_channel(), ALL).await, Some((named(&all), 9)));
    assert_eq!(groups(store, &by_channel(), most(3)).await, Some((named(&all[..3]), 13)));
    assert_eq!(groups(store, &by_model(), most(1)).await, Some((named(&[("a", 6)]), 6)));
    let totals = store.trends().groups(&by_model(), (bucket(0), bucket(96)), ALL).await;
    let totals = totals.expect("the rollups can be read").expect("few rollups");
    assert_eq!(totals.groups[1].sums[None], sum(1));
    assert_eq!(totals.groups[1].sums[Some(Sentiment::Positive)], sum(5));
}

/// Groups of more rollups than may be read are refused, also where what was read is not selected.
pub async fn groups_of_too_many_rollups_are_refused(store: &impl StoreHarness) {
    let quarters = 0..4;
    let mut rollups: Vec<_> = quarters.clone().map(|quarter| of_channel("web", quarter, 1)).collect();
    rollups.extend(quarters.map(|quarter| rollup(quarter, 1, |_| {})));
    for dimension in [None, Some(channel("web"))] {
        rollups.push(rollup(4, 2, |key| {
            key.model_name = "b".into();
            key.dimension = dimension;
        }));
    }
    fill(store, rollups).await;
    for (mut rollups, key) in [(by_channel(), "web"), (by_model(), "b")] {
        for model in [None, Some("b".to_owned())] {
            rollups.selection.model = model;
            for rows in [1, 3, 4] {
                let refused = groups(store, &rollups, GroupLimits { rows, ..ALL }).await;
                assert_eq!(refused, None, "{rows} {rollups:?}");
            }
            assert!(groups(store, &rollups, GroupLimits { rows: 5, ..ALL }).await.is_some());
        }
        let exactly = groups(store, &rollups, GroupLimits { rows: 5, ..ALL }).await;
        assert_eq!(exactly, Some((named(&[(key, 2)]), 0)));
    }
}

/// Each rollup is in the sum of its group, or in that of the others.
pub async fn rollups_are_summed_by_groups(store: &impl StoreHarness) {
    let mut rollups: Vec<_> = [
        ("web", -1, 1),
        ("web", 0, 2),
        ("web", 3, 4),
        ("web", 100, 8),
        ("app", 99, 16),
        ("mail", 3, 32),
        (Dimensions::NONE, 3, 64),
        (Dimensions::OTHER, 3, 128),
        ("web", 200, 256),
    ]
    .map(|(value, quarter, n)| of_channel(value, quarter, n))
    .into();
    rollups.push(rollup(0, 1, |_| {}));
    rollups.push(rollup(1, 2, |key| key.model_revision = "2".into()));
    rollups.push(rollup(0, 4, |key| key.sentiment = None));
    rollups.push(rollup(4, 8, |key| key.model_name = "b".into()));
    fill(store, rollups).await;
    let positive = Some(Sentiment::Positive);

    let numbers = group_series(store, &by_channel(), &["web", "absent", "app"], &[0, 4, 200]).await;
    let expected = [
        ((None, 0, positive), 224),
        ((Some(0), 0, positive), 6),
        ((Some(0), 1, positive), 8),
        ((Some(2), 1, positive), 16),
    ];
    assert_eq!(numbers, BTreeMap::from(expected));
    let numbers = group_series(store, &by_channel(), &[Dimensions::NONE], &[3, 4]).await;
    assert_eq!(numbers, BTreeMap::from([((None, 0, positive), 164), ((Some(0), 0, positive), 64)]));
    let numbers = group_series(store, &by_model(), &["a"], &[0, 4, 8]).await;
    let expected = [((None, 1, positive), 8), ((Some(0), 0, None), 4), ((Some(0), 0, positive), 3)];
    assert_eq!(numbers, BTreeMap::from(expected));
}
