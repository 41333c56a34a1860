use std::collections::{BTreeMap, BTreeSet};

use application::ports::ANALYTICS_SINK;
use application::ports::{
    AdmittedValue, HistorySnapshot, Lease, OutdatedRange, PendingEvent, ProjectionStep, Recount,
    RollupRepository, StoreError,
};
use async_trait::async_trait;
use domain::events::{PREDICTION_DELETED, SENTIMENT_PREDICTED};
use domain::value_objects::{Bucket, Dimensions, PredictionFacts, PredictionId, Rollup, RollupKey, TenantId};

use super::{MemoryStore, Outgoing, State};

/// The rollups and what is needed to count them.
#[derive(Debug, Default)]
pub(super) struct Rollups {
    counts: BTreeMap<RollupKey, Rollup>,
    values: BTreeSet<AdmittedValue>,
    outdated: BTreeSet<OutdatedRange>,
}

impl Rollups {
    fn add(&mut self, changes: &[(RollupKey, Rollup)]) {
        for (key, change) in changes {
            let rollup = self.counts.entry(key.clone()).or_default();
            rollup.add(change);
            if rollup.is_zero() {
                self.counts.remove(key);
            }
        }
    }

    /// The outdated ranges of `tenant`.
    pub(super) fn outdated(&self, tenant: &TenantId) -> impl Iterator<Item = &OutdatedRange> {
        self.outdated.iter().filter(move |range| range.tenant == *tenant)
    }

    /// Removes at most `limit` rows of `tenant` from one table; returns how many.
    pub(super) fn erase(&mut self, tenant: &TenantId, limit: usize) -> usize {
        let Self { counts, values, outdated } = self;
        let keys: Vec<_> = counts.keys().filter(|key| key.tenant == *tenant).take(limit).cloned().collect();
        counts.retain(|key, _| !keys.contains(key));
        if !keys.is_empty() {
            return keys.len();
        }
        let gone: Vec<_> = values.iter().filter(|it| it.tenant == *tenant).take(limit).cloned().collect();
        values.retain(|value| !gone.contains(value));
        if !gone.is_empty() {
            return gone.len();
        }
        let gone: Vec<_> = outdated.iter().filter(|it| it.tenant == *tenant).take(limit).cloned().collect();
        outdated.retain(|range| !gone.contains(range));
        gone.len()
    }
}

impl MemoryStore {
    /// Every rollup.
    pub fn rollups(&self) -> Vec<(RollupKey, Rollup)> {
        self.lock().rollups.counts.iter().map(|(key, rollup)| (key.clone(), *rollup)).collect()
    }

    /// Every value that is counted apart.
    pub fn admitted_values(&self) -> Vec<AdmittedValue> {
        self.lock().rollups.values.iter().cloned().collect()
    }

    /// Makes the events about `id` like those of a release whose events had no facts.
    pub fn drop_facts(&self, tenant: &TenantId, id: PredictionId) {
        for Outgoing { event, .. } in &mut self.lock().outbox {
            if event.tenant == *tenant && event.prediction_id == Some(id) {
                event.facts = None;
            }
        }
    }
}

/// The bucket of the prediction whose deletion waits for a position.
fn deleted_bucket(Outgoing { event, sequenced_at, .. }: &Outgoing) -> Option<OutdatedRange> {
    let facts = event.facts.as_ref()?;
    let bucket = Bucket::containing(facts.created_at);
    let is_pending = sequenced_at.is_none() && event.event_type == PREDICTION_DELETED;
    is_pending.then(|| OutdatedRange { tenant: event.tenant.clone(), first: bucket, last: bucket })
}

impl State {
    /// Marks the histories of `tenant`, or of all; returns how many there are.
    fn mark(&mut self, tenant: Option<&TenantId>) -> u64 {
        let mut ends: BTreeMap<TenantId, (Bucket, Bucket)> = BTreeMap::new();
        let made = self.rows.iter().flat_map(|(tenant, rows)| {
            rows.values().map(move |row| (tenant, Bucket::containing(row.record.prediction.created_at)))
        });
        let counted = self.rollups.counts.keys().map(|key| (&key.tenant, key.bucket));
        let outdated = self.rollups.outdated.iter();
        let outdated = outdated.flat_map(|range| [(&range.tenant, range.first), (&range.tenant, range.last)]);
        for (owner, bucket) in made.chain(counted).chain(outdated) {
            if tenant.is_none_or(|tenant| tenant == owner) {
                let (first, last) = ends.entry(owner.clone()).or_insert((bucket, bucket));
                (*first, *last) = (bucket.min(*first), bucket.max(*last));
            }
        }
        self.rollups.outdated.retain(|range| !ends.contains_key(&range.tenant));
        let marked = ends.len() as u64;
        let range = |(tenant, (first, last))| OutdatedRange { tenant, first, last };
        self.rollups.outdated.extend(ends.into_iter().map(range));
        marked
    }

    fn is_erased(&self, tenant: &TenantId) -> bool {
        self.access.is_erased(tenant)
    }
}

#[async_trait]
impl RollupRepository for MemoryStore {
    async fn admitted(&self, days: &[(TenantId, i64)]) -> Result<Vec<AdmittedValue>, StoreError> {
        let state = self.working()?;
        let values = state.rollups.values.iter();
        Ok(values.filter(|value| days.contains(&(value.tenant.clone(), value.day))).cloned().collect())
    }

    async fn apply(&self, lease: &Lease, step: &ProjectionStep) -> Result<(), StoreError> {
        let mut state = self.working()?;
        state.sink_at(lease, ANALYTICS_SINK, step.from)?.position = step.to;
        let changes = step.changes.iter().filter(|(key, _)| !state.is_erased(&key.tenant));
        let changes: Vec<_> = changes.cloned().collect();
        let admitted = step.admitted.iter().filter(|value| !state.is_erased(&value.tenant));
        let admitted: Vec<_> = admitted.cloned().collect();
        let outdated = step.outdated.iter().filter(|range| !state.is_erased(&range.tenant));
        let outdated: Vec<_> = outdated.cloned().collect();
        state.rollups.add(&changes);
        state.rollups.values.extend(admitted);
        state.rollups.outdated.extend(outdated);
        Ok(())
    }

    async fn replace(&self, lease: &Lease, recount: &Recount) -> Result<(), StoreError> {
        let Recount { at, range, rollups, admitted } = recount;
        let mut state = self.working()?;
        state.sink_at(lease, ANALYTICS_SINK, *at)?;
        let buckets = range.first..=range.last;
        let is_replaced = |key: &RollupKey| key.tenant == range.tenant && buckets.contains(&key.bucket);
        state.rollups.counts.retain(|key, _| !is_replaced(key));
        if !state.is_erased(&range.tenant) {
            state.rollups.add(rollups);
            state.rollups.values.extend(admitted.iter().cloned());
        }
        let (of_tenant, others) = std::mem::take(&mut state.rollups.outdated)
            .into_iter()
            .partition::<Vec<_>, _>(|outdated| outdated.tenant == range.tenant);
        let rest = of_tenant.iter().flat_map(|outdated| outdated.without(range)).flatten();
        state.rollups.outdated = rest.chain(others).collect();
        Ok(())
    }

    async fn outdated(&self, limit: u32) -> Result<Vec<OutdatedRange>, StoreError> {
        let mut ranges: Vec<_> = self.working()?.rollups.outdated.iter().cloned().collect();
        ranges.sort_by_key(|range| std::cmp::Reverse(range.last));
        ranges.truncate(limit as usize);
        Ok(ranges)
    }

    async fn mark_outdated(&self, tenant: Option<&TenantId>) -> Result<u64, StoreError> {
        Ok(self.working()?.mark(tenant))
    }

    async fn restart(&self, lease: &Lease, from: i64) -> Result<i64, StoreError> {
        let mut state = self.working()?;
        let end = state.feed.last;
        state.sink_at(lease, ANALYTICS_SINK, from)?.position = end;
        state.mark(None);
        let deleted: Vec<_> = state.outbox.iter().filter_map(deleted_bucket).collect();
        state.rollups.outdated.extend(deleted);
        Ok(end)
    }

    async fn last_prediction(&self, range: &OutdatedRange) -> Result<Option<Bucket>, StoreError> {
        let state = self.working()?;
        let rows = state.rows.get(&range.tenant).into_iter().flatten();
        let buckets = rows.map(|(_, row)| Bucket::containing(row.record.prediction.created_at));
        Ok(buckets.filter(|bucket| (range.first..=range.last).contains(bucket)).max())
    }

    async fn history(
        &self,
        range: &OutdatedRange,
        after: i64,
        dimensions: &Dimensions,
    ) -> Result<Box<dyn HistorySnapshot>, StoreError> {
        let state = self.working()?;
        let has = |facts: &PredictionFacts| {
            (range.first..=range.last).contains(&Bucket::containing(facts.created_at))
        };
        let rows = state.rows.get(&range.tenant).into_iter().flatten();
        let rows = rows.filter(|(_, row)| !row.unreadable);
        let predictions = rows.map(|(_, row)| row.record.prediction.facts(dimensions)).filter(has);
        let waiting = state.outbox.iter().filter(|outgoing| {
            outgoing.event.tenant == range.tenant
                && (outgoing.sequenced_at.is_none() || outgoing.event.position > after)
        });
        let pending = waiting.filter_map(|Outgoing { event, .. }| {
            let facts = event.facts.clone().filter(has)?;
            match &*event.event_type {
                SENTIMENT_PREDICTED => Some(PendingEvent::Predicted(facts)),
                PREDICTION_DELETED => Some(PendingEvent::Deleted(facts)),
                _ => None,
            }
        });
        Ok(Box::new(Snapshot {
            store: self.clone(),
            predictions: predictions.collect(),
            pending: pending.collect(),
        }))
    }
}

/// What is left to read.
struct Snapshot {
    store: MemoryStore,
    predictions: Vec<PredictionFacts>,
    pending: Vec<PendingEvent>,
}

#[async_trait]
impl HistorySnapshot for Snapshot {
    async fn next_predictions(&mut self, limit: u32) -> Result<Option<Vec<PredictionFacts>>, StoreError> {
        drop(self.store.working()?);
        Ok(next(&mut self.predictions, limit))
    }

    async fn next_pending(&mut self, limit: u32) -> Result<Option<Vec<PendingEvent>>, StoreError> {
        drop(self.store.working()?);
        Ok(next(&mut self.pending, limit))
    }
}

fn next<T>(waiting: &mut Vec<T>, limit: u32) -> Option<Vec<T>> {
    let length = waiting.len().min(limit as usize);
    (length > 0).then(|| waiting.drain(..length).collect())
}
