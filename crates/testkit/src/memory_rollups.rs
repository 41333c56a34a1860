use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use application::ports::{
    Counted, GroupCell, GroupLimits, GroupTotals, GroupedRollups, RollupGroup, RollupGrouping,
    RollupSelection, RollupSum, SentimentSums, SeriesCell, StoreError, TrendProgress, TrendReadModel,
};
use async_trait::async_trait;
use domain::value_objects::{Bucket, Dimensions, Rollup, RollupKey, Sentiment, TenantId};

/// Rollups that a test sets.
#[derive(Debug)]
pub struct MemoryRollups {
    rollups: Mutex<Vec<(RollupKey, Rollup)>>,
    progress: Mutex<Result<TrendProgress, &'static str>>,
}

impl Default for MemoryRollups {
    /// No rollups, which count everything.
    fn default() -> Self {
        let progress = TrendProgress { counted: Counted::Everything, recounting_from: None };
        Self { rollups: Mutex::default(), progress: Mutex::new(Ok(progress)) }
    }
}

impl MemoryRollups {
    /// Rollups that count everything.
    pub fn of(rollups: Vec<(RollupKey, Rollup)>) -> Self {
        Self { rollups: Mutex::new(rollups), ..Self::default() }
    }

    /// Adds a rollup.
    pub fn add(&self, key: RollupKey, rollup: Rollup) {
        lock(&self.rollups).push((key, rollup));
    }

    /// Sets how far the rollups count.
    pub fn set_progress(&self, progress: TrendProgress) {
        *lock(&self.progress) = Ok(progress);
    }

    /// Makes every later call fail with `Unavailable` because of `reason`.
    pub fn fail_with(&self, reason: &'static str) {
        *lock(&self.progress) = Err(reason);
    }

    fn select(
        &self,
        tenant: &TenantId,
        selection: &RollupSelection,
        grouping: Option<&RollupGrouping>,
        (first, end): (Bucket, Bucket),
    ) -> Vec<(RollupKey, Rollup)> {
        let is_selected = |key: &RollupKey| {
            let of_value = match grouping {
                Some(RollupGrouping::Dimension(dimension)) => {
                    key.dimension.as_ref().is_some_and(|value| value.dimension == *dimension)
                }
                _ => key.dimension == selection.value,
            };
            let of_sentiment = selection.sentiment.is_none_or(|sentiment| key.sentiment == Some(sentiment));
            let of_model = selection.model.as_ref().is_none_or(|model| key.model_name == *model);
            let in_range = first <= key.bucket && key.bucket < end;
            key.tenant == *tenant && of_value && of_sentiment && of_model && in_range
        };
        let rollups = lock(&self.rollups);
        rollups.iter().filter(|(key, _)| is_selected(key)).cloned().collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn sum(rollup: &Rollup) -> RollupSum {
    let Rollup { predictions, truncated, confident, confidence_sum, .. } = *rollup;
    RollupSum { predictions, truncated, confident, confidence_sum }
}

fn cell(key: &RollupKey, rollup: &Rollup, edges: &[Bucket]) -> Option<SeriesCell> {
    let bucket = edges.windows(2).position(|pair| pair[0] <= key.bucket && key.bucket < pair[1])?;
    Some(SeriesCell { bucket, sentiment: key.sentiment, sum: sum(rollup) })
}

fn name(key: &RollupKey, grouping: &RollupGrouping) -> String {
    match (grouping, &key.dimension) {
        (RollupGrouping::Dimension(_), Some(value)) => value.value.clone(),
        _ => key.model_name.clone(),
    }
}

fn range(edges: &[Bucket]) -> Option<(Bucket, Bucket)> {
    Some((*edges.first()?, *edges.last()?))
}

#[async_trait]
impl TrendReadModel for MemoryRollups {
    async fn progress(&self, _: &TenantId, _: Bucket, _: Bucket) -> Result<TrendProgress, StoreError> {
        (*lock(&self.progress)).map_err(StoreError::unavailable)
    }

    async fn series(
        &self,
        tenant: &TenantId,
        selection: &RollupSelection,
        edges: &[Bucket],
    ) -> Result<Vec<SeriesCell>, StoreError> {
        let Some(range) = range(edges) else { return Ok(Vec::new()) };
        let selected = self.select(tenant, selection, None, range);
        let mut sums: BTreeMap<(usize, Option<Sentiment>), RollupSum> = BTreeMap::new();
        for SeriesCell { bucket, sentiment, sum } in
            selected.iter().filter_map(|(key, rollup)| cell(key, rollup, edges))
        {
            *sums.entry((bucket, sentiment)).or_default() += sum;
        }
        let cell = |((bucket, sentiment), sum)| SeriesCell { bucket, sentiment, sum };
        Ok(sums.into_iter().map(cell).collect())
    }

    async fn groups(
        &self,
        rollups: &GroupedRollups,
        range: (Bucket, Bucket),
        limits: GroupLimits,
    ) -> Result<Option<GroupTotals>, StoreError> {
        let GroupedRollups { tenant, selection, grouping } = rollups;
        let of_all_models = RollupSelection { model: None, ..selection.clone() };
        if self.select(tenant, &of_all_models, Some(grouping), range).len() > limits.rows as usize {
            return Ok(None);
        }
        let selected = self.select(tenant, selection, Some(grouping), range);
        let mut groups: BTreeMap<String, SentimentSums> = BTreeMap::new();
        for (key, rollup) in &selected {
            groups.entry(name(key, grouping)).or_default()[key.sentiment] += sum(rollup);
        }
        let mut rest = groups.remove(Dimensions::OTHER).unwrap_or_default();
        let mut groups: Vec<RollupGroup> =
            groups.into_iter().map(|(key, sums)| RollupGroup { key, sums }).collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.sums.total().predictions));
        for group in groups.drain(groups.len().min(limits.groups as usize)..) {
            rest += group.sums;
        }
        Ok(Some(GroupTotals { groups, rest }))
    }

    async fn group_series(
        &self,
        rollups: &GroupedRollups,
        named: &[String],
        edges: &[Bucket],
    ) -> Result<Vec<GroupCell>, StoreError> {
        let GroupedRollups { tenant, selection, grouping } = rollups;
        let Some(range) = range(edges) else { return Ok(Vec::new()) };
        let selected = self.select(tenant, selection, Some(grouping), range);
        let group = |(key, rollup): &(RollupKey, Rollup)| {
            let group = named.iter().position(|named| *named == name(key, grouping));
            Some(GroupCell { group, cell: cell(key, rollup, edges)? })
        };
        Ok(selected.iter().filter_map(group).collect())
    }
}
