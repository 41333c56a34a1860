use application::ports::{
    ANALYTICS_SINK, Counted, GroupCell, GroupLimits, GroupTotals, GroupedRollups, RollupSelection,
    SeriesCell, StoreError, TrendProgress, TrendReadModel,
};
use async_trait::async_trait;
use domain::value_objects::{Bucket, TenantId};

use super::{MemoryStore, State};
use crate::MemoryRollups;

impl MemoryStore {
    /// The rollups, which are summed as those that a test sets.
    fn counted(&self) -> Result<MemoryRollups, StoreError> {
        drop(self.working()?);
        Ok(MemoryRollups::of(self.rollups()))
    }
}

impl State {
    fn counted(&self) -> Counted {
        let position = self.sinks.0.get(ANALYTICS_SINK).map_or(-1, |sink| sink.position);
        if position < self.feed.purged.max(0) {
            return Counted::Nothing;
        }
        let waiting = self
            .outbox
            .iter()
            .filter(|outgoing| outgoing.sequenced_at.is_none() || outgoing.event.position > position);
        let oldest = waiting.map(|outgoing| outgoing.event.occurred_at).min();
        oldest.map_or(Counted::Everything, Counted::Until)
    }
}

#[async_trait]
impl TrendReadModel for MemoryStore {
    async fn progress(
        &self,
        tenant: &TenantId,
        first: Bucket,
        end: Bucket,
    ) -> Result<TrendProgress, StoreError> {
        let state = self.working()?;
        let outdated = state.rollups.outdated(tenant);
        let overlapping = outdated.filter(|range| range.last >= first && range.first < end);
        let recounting_from = overlapping.map(|range| range.first.max(first)).min();
        Ok(TrendProgress { counted: state.counted(), recounting_from })
    }

    async fn series(
        &self,
        tenant: &TenantId,
        selection: &RollupSelection,
        edges: &[Bucket],
    ) -> Result<Vec<SeriesCell>, StoreError> {
        self.counted()?.series(tenant, selection, edges).await
    }

    async fn groups(
        &self,
        rollups: &GroupedRollups,
        range: (Bucket, Bucket),
        limits: GroupLimits,
    ) -> Result<Option<GroupTotals>, StoreError> {
        self.counted()?.groups(rollups, range, limits).await
    }

    async fn group_series(
        &self,
        rollups: &GroupedRollups,
        named: &[String],
        edges: &[Bucket],
    ) -> Result<Vec<GroupCell>, StoreError> {
        self.counted()?.group_series(rollups, named, edges).await
    }
}
