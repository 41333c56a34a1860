//! Sums of rollups: those of a store are compared with those of another implementation over the same rollups.

use std::collections::{BTreeMap, BTreeSet};

use application::ports::{
    AdmittedValue, GroupCell, GroupLimits, GroupedRollups, ProjectionStep, RollupGrouping, RollupSelection,
    RollupSum, SeriesCell, TrendReadModel,
};
use domain::value_objects::{Bucket, DimensionValue, Rollup, RollupKey, Sentiment, TenantId, Timestamp};

use crate::StoreHarness;
use crate::cases::rollups::{apply, open, step};

/// The start of the rollups: 2026-03-27T00:00:00Z.
const START: i64 = 1_774_569_600_000_000;
/// The microseconds of a bucket.
const QUARTER: i64 = 900_000_000;
/// The days of the rollups.
const DAYS: i64 = 3;

/// The bucket `quarters` after the start.
pub(crate) fn bucket(quarters: i64) -> Bucket {
    Bucket::containing(Timestamp::from_micros(START + quarters * QUARTER))
}

/// Rollups of two tenants, three models, every sentiment and 25 values of a dimension.
pub fn rollups() -> Vec<(RollupKey, Rollup)> {
    let mut rollups = Vec::new();
    let mut n: i64 = 0;
    for tenant in [TenantId::default(), crate::samples::tenant("other")] {
        for quarter in (0..DAYS * 96).filter(|quarter| quarter % 7 != 3) {
            for place in 0..4 {
                n += 1;
                let sentiments = Sentiment::ALL.map(Some).into_iter().chain([None]);
                let sentiment = sentiments.cycle().nth(usize::try_from(n % 13).unwrap_or_default());
                let (model_name, model_revision) = [("a", "1"), ("a", "2"), ("b", "1")][place % 3];
                let key = |dimension| RollupKey {
                    tenant: tenant.clone(),
                    dimension,
                    sentiment: sentiment.flatten(),
                    bucket: bucket(quarter),
                    model_name: model_name.to_owned(),
                    model_revision: model_revision.to_owned(),
                };
                let rollup = Rollup {
                    predictions: n % 9 + 1,
                    truncated: n % 2,
                    confident: n % 3,
                    confidence_sum: n % 3 * 700_000_000,
                    ..Rollup::default()
                };
                push(&mut rollups, key(None), &rollup);
                push(&mut rollups, key(Some(value(n))), &rollup);
            }
        }
    }
    rollups
}

/// Counts `rollups` and their values in an empty store.
pub async fn fill(store: &impl StoreHarness, rollups: Vec<(RollupKey, Rollup)>) {
    let value = |(key, _): &(RollupKey, Rollup)| {
        let value = key.dimension.clone().filter(|value| !value.value.starts_with('('))?;
        Some(AdmittedValue { tenant: key.tenant.clone(), day: key.bucket.day(), value })
    };
    let admitted: BTreeSet<_> = rollups.iter().filter_map(value).collect();
    let lease = open(store).await;
    let admitted = admitted.into_iter().collect();
    apply(store, &lease, &ProjectionStep { admitted, ..step(-1, 0, rollups) }).await;
}

/// Adds to the rollup with the same key, if there is one.
fn push(rollups: &mut Vec<(RollupKey, Rollup)>, key: RollupKey, rollup: &Rollup) {
    match rollups.iter_mut().rev().take(8).find(|(seen, _)| *seen == key) {
        Some((_, sum)) => sum.add(rollup),
        None => rollups.push((key, *rollup)),
    }
}

fn value(n: i64) -> DimensionValue {
    let value = match n % 25 {
        0 => "(none)".to_owned(),
        1 => "(other)".to_owned(),
        n => format!("value-{n}"),
    };
    DimensionValue { dimension: "channel".to_owned(), value }
}

/// Every selection whose sums are compared.
fn selections() -> Vec<RollupSelection> {
    let mut selections = Vec::new();
    for value in
        [None, Some(value(7)), Some(value(1)), Some(DimensionValue { value: "x".into(), ..value(7) })]
    {
        for sentiment in [None, Some(Sentiment::Negative)] {
            for model in [None, Some("a"), Some("absent")] {
                let model = model.map(str::to_owned);
                selections.push(RollupSelection { value: value.clone(), sentiment, model });
            }
        }
    }
    selections
}

/// Edges that are equal, unequal, and beyond the rollups.
fn edges() -> [Vec<Bucket>; 4] {
    let every = |quarters: usize| (0..=DAYS * 96).step_by(quarters).map(bucket).collect();
    let unequal = [-5, 0, 2, 3, 95, 191, 200].map(bucket).to_vec();
    [every(4), every(1), unequal, [-200, -100].map(bucket).to_vec()]
}

type Sums = BTreeMap<(Option<usize>, usize, Option<&'static str>), RollupSum>;

fn summed(cells: impl IntoIterator<Item = (Option<usize>, SeriesCell)>) -> Sums {
    let mut sums = Sums::new();
    for (group, cell) in cells {
        let place = (group, cell.bucket, cell.sentiment.map(Sentiment::as_str));
        *sums.entry(place).or_default() += cell.sum;
    }
    sums
}

/// Every series over [`rollups`] equals that of `memory`.
pub async fn series_are_equal(trends: &dyn TrendReadModel, memory: &dyn TrendReadModel) {
    let tenant = TenantId::default();
    for selection in selections() {
        for edges in edges() {
            let cells = |cells: Vec<SeriesCell>| summed(cells.into_iter().map(|cell| (None, cell)));
            let actual = trends.series(&tenant, &selection, &edges).await.expect("the sums can be read");
            let expected = memory.series(&tenant, &selection, &edges).await.expect("memory works");
            assert_eq!(cells(actual), cells(expected), "{selection:?} {}", edges.len());
        }
    }
}

/// The groups of [`rollups`] and their series equal those of `memory`, and too many rows are refused.
pub async fn groups_are_equal(trends: &dyn TrendReadModel, memory: &dyn TrendReadModel) {
    let groupings = [RollupGrouping::Model, RollupGrouping::Dimension("channel".to_owned())];
    for selection in selections() {
        for grouping in groupings.clone() {
            let by_model = grouping == RollupGrouping::Model;
            if !by_model && selection.value.is_some() {
                continue;
            }
            let rollups =
                GroupedRollups { tenant: TenantId::default(), selection: selection.clone(), grouping };
            for limit in [1, 20, 100] {
                let limits = GroupLimits { groups: limit, rows: 10_000 };
                let range = (bucket(10), bucket(200));
                let actual = trends.groups(&rollups, range, limits).await.expect("the groups can be read");
                let expected = memory.groups(&rollups, range, limits).await.expect("memory works");
                assert_eq!(actual, expected, "{rollups:?} {limit}");
                let groups = actual.unwrap_or_default().groups;
                let named: Vec<String> = groups.into_iter().map(|group| group.key).collect();
                for edges in edges() {
                    let cells = |cells: Vec<GroupCell>| {
                        summed(cells.into_iter().map(|group| (group.group, group.cell)))
                    };
                    let actual = trends.group_series(&rollups, &named, &edges).await.expect("readable");
                    let expected = memory.group_series(&rollups, &named, &edges).await.expect("readable");
                    assert_eq!(cells(actual), cells(expected), "{rollups:?} {limit} {}", edges.len());
                }
            }
            let refused = GroupLimits { groups: 5, rows: 3 };
            let many = selection == RollupSelection::default();
            let totals = trends.groups(&rollups, (bucket(0), bucket(200)), refused).await;
            assert!(!many || totals.expect("readable").is_none(), "{rollups:?}");
        }
    }
}
