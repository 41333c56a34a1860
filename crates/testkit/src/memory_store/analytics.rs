use application::ports::{AnalyticsReadModel, IdPage, IdWalk, StoreError, TextSelection};
use async_trait::async_trait;
use domain::value_objects::{PredictionId, TenantId};

use super::{MemoryStore, Row};

#[async_trait]
impl AnalyticsReadModel for MemoryStore {
    async fn walk_ids(
        &self,
        tenant: &TenantId,
        selection: &TextSelection,
        walk: IdWalk,
    ) -> Result<IdPage, StoreError> {
        let mut state = self.working()?;
        state.reads += 1;
        let (from, to) = selection.id_range();
        let Some(rows) = state.rows.get(tenant).filter(|_| from < to) else { return Ok(IdPage::default()) };
        let examined: Vec<_> = rows
            .range(from..to)
            .filter(|(id, row)| walk.after.is_none_or(|after| **id > after) && row.is_of(selection))
            .take(walk.limit as usize)
            .collect();
        let end = examined.last().filter(|_| examined.len() == walk.limit as usize).map(|(id, _)| **id);
        let is_of_model = |row: &Row| {
            selection.model.as_ref().is_none_or(|model| row.record.prediction.model.name() == model)
        };
        let matching: Vec<_> =
            examined.into_iter().filter(|(_, row)| is_of_model(row)).map(|(id, _)| *id).collect();
        let sampled = matching.iter().copied().filter(|id| id.random_bits() <= walk.at_most);
        Ok(IdPage { ids: sampled.collect(), matching: matching.len() as u64, end })
    }

    async fn texts(
        &self,
        tenant: &TenantId,
        ids: &[PredictionId],
    ) -> Result<Vec<(PredictionId, Option<String>)>, StoreError> {
        let mut state = self.working()?;
        state.reads += 1;
        let Some(rows) = state.rows.get(tenant) else { return Ok(Vec::new()) };
        let text = |id: &PredictionId| rows.get(id).map(|row| (*id, row.record.text.clone()));
        Ok(ids.iter().filter_map(text).collect())
    }
}

impl Row {
    /// Whether the index of sentiments finds the row; one that cannot be read has a sentiment of a newer release.
    fn is_of(&self, selection: &TextSelection) -> bool {
        !self.unreadable && self.record.prediction.sentiment == Some(selection.sentiment)
    }
}
