use application::dtos::PredictionRecord;
use application::ports::{
    FoundRow, PredictionFilter, PredictionPage, PredictionReadModel, StoreError, WalkLimits, WalkPage,
    WalkRange,
};
use async_trait::async_trait;
use domain::value_objects::{PredictionId, TenantId};

use super::{MemoryStore, Row};

#[async_trait]
impl PredictionReadModel for MemoryStore {
    async fn find(
        &self,
        tenant: &TenantId,
        id: PredictionId,
    ) -> Result<Option<PredictionRecord>, StoreError> {
        let mut state = self.working()?;
        state.reads += 1;
        state.rows.get(tenant).and_then(|rows| rows.get(&id)).map(Row::read).transpose()
    }

    async fn find_many(
        &self,
        tenant: &TenantId,
        ids: &[PredictionId],
    ) -> Result<Vec<Result<Option<PredictionRecord>, StoreError>>, StoreError> {
        let mut state = self.working()?;
        state.reads += 1;
        let rows = state.rows.get(tenant);
        Ok(ids.iter().map(|id| rows.and_then(|rows| rows.get(id)).map(Row::read).transpose()).collect())
    }

    async fn list(
        &self,
        tenant: &TenantId,
        filter: &PredictionFilter,
        after: Option<PredictionId>,
        limit: u32,
    ) -> Result<PredictionPage, StoreError> {
        let mut state = self.working()?;
        state.reads += 1;
        let Some(rows) = state.rows.get(tenant) else { return Ok(PredictionPage::default()) };
        let found = rows
            .iter()
            .rev()
            .skip_while(|(id, _)| after.is_some_and(|after| **id >= after))
            .filter(|(_, row)| row.matches(filter))
            .take(limit as usize + 1)
            .map(|(id, row)| FoundRow { id: Some(*id), record: row.read() })
            .collect();
        PredictionPage::from_rows(found, limit, |_| {})
    }

    async fn newest(&self, tenant: &TenantId) -> Result<Option<PredictionId>, StoreError> {
        let mut state = self.working()?;
        state.reads += 1;
        Ok(state.rows.get(tenant).and_then(|rows| rows.last_key_value()).map(|(id, _)| *id))
    }

    async fn walk(
        &self,
        tenant: &TenantId,
        filter: &PredictionFilter,
        range: WalkRange,
        limits: WalkLimits,
    ) -> Result<WalkPage, StoreError> {
        let mut state = self.working()?;
        state.reads += 1;
        let (Some(rows), Some((first, last))) = (state.rows.get(tenant), filter.walk_bounds(range)) else {
            return Ok(WalkPage::default());
        };
        let (mut found, mut bytes, mut edge) = (Vec::new(), 0, None);
        for (looked_at, (id, row)) in (1..).zip(rows.range(first..=last)) {
            edge = Some(*id).filter(|_| looked_at == limits.read);
            if row.matches(filter) {
                bytes += row.record.text.as_ref().map_or(0, String::len) as u64;
                found.push(FoundRow { id: Some(*id), record: row.read() });
            }
            let is_full = found.len() == limits.rows as usize || bytes >= limits.bytes;
            if is_full || edge.is_some() {
                return WalkPage::from_rows(found, is_full, edge, |_| {});
            }
        }
        WalkPage::from_rows(found, false, edge, |_| {})
    }
}

impl Row {
    fn read(&self) -> Result<PredictionRecord, StoreError> {
        if self.unreadable {
            let id = self.record.prediction.id.to_string();
            return Err(StoreError::Corrupt { table: "predictions", column: "labels", id });
        }
        Ok(self.record.clone())
    }

    fn matches(&self, filter: &PredictionFilter) -> bool {
        let PredictionFilter { sentiment, model, reference, from, to, min_confidence, max_confidence, terms } =
            filter;
        let stored = &self.record.prediction;
        sentiment.is_none_or(|sentiment| stored.sentiment == Some(sentiment))
            && model.as_ref().is_none_or(|model| stored.model.name() == model)
            && reference.as_ref().is_none_or(|reference| stored.reference.as_ref() == Some(reference))
            && from.is_none_or(|from| stored.created_at >= from)
            && to.is_none_or(|to| stored.created_at < to)
            && min_confidence.is_none_or(|min| stored.confidence.is_some_and(|it| it >= min))
            && max_confidence.is_none_or(|max| stored.confidence.is_some_and(|it| it <= max))
            && terms.is_subset(&self.terms)
    }
}
