use application::dtos::PredictionRecord;
use application::ports::{FoundRow, PredictionFilter, PredictionPage, PredictionReadModel, StoreError};
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
