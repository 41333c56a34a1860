use std::collections::HashMap;

use application::dtos::PredictionRecord;
use application::ports::{AuditSealer, FeedEvent, StoreError, UnitOfWork, Write, WriteStore};
use async_trait::async_trait;
use domain::entities::Prediction;
use domain::events::DomainEvent;
use domain::policies::search_terms;
use domain::value_objects::{AuditEntry, PredictionId, Timestamp};
use store_codec::{AuditHead, write_payload};

use super::{MemoryStore, Outgoing, Row, State};

#[async_trait]
impl WriteStore for MemoryStore {
    async fn commit(&self, work: UnitOfWork) -> Result<(), StoreError> {
        // As in a real store, the commit is pending at first: a caller that drops it at once has written nothing.
        tokio::task::yield_now().await;
        if work.deadline().has_passed() {
            return Err(StoreError::DeadlineExceeded);
        }
        self.working()?.apply(&work, self.clock.now(), self.sealer.as_deref())
    }
}

impl State {
    fn apply(
        &mut self,
        work: &UnitOfWork,
        now: Timestamp,
        sealer: Option<&dyn AuditSealer>,
    ) -> Result<(), StoreError> {
        self.check(work)?;
        let (mut access, mut claims, mut texts) =
            (self.access.clone(), self.claims.clone(), self.texts.clone());
        for write in work.writes() {
            match write {
                Write::Change(change) => access.apply(work.tenant(), change)?,
                Write::CompleteClaim { claim, answer } => claims.complete(work.tenant(), claim, answer)?,
                Write::CountTexts(count) => texts.add(work.tenant(), count, now)?,
                _ => {}
            }
        }
        (self.access, self.claims, self.texts) = (access, claims, texts);
        let mut entries = Vec::new();
        let rows = self.rows.entry(work.tenant().clone()).or_default();
        for write in work.writes() {
            match write {
                Write::InsertPrediction(prediction) => {
                    rows.insert(prediction.id(), Row::from(&**prediction));
                }
                Write::DeletePrediction(id) => {
                    rows.remove(id);
                }
                Write::AppendEvent(event) => {
                    self.outbox.push(Outgoing { event: outgoing(work, event), sequenced_at: None });
                }
                Write::AppendAudit(entry) => entries.push(&**entry),
                Write::Change(_) | Write::CompleteClaim { .. } | Write::CountTexts(_) => {}
            }
        }
        self.append_lines(entries, sealer);
        self.commits += 1;
        Ok(())
    }

    fn append_lines(&mut self, entries: Vec<&AuditEntry>, sealer: Option<&dyn AuditSealer>) {
        let last = self.audit.last();
        let head = AuditHead { seq: last.map_or(0, |line| line.seq), seal: last.and_then(|line| line.seal) };
        self.audit.extend(head.append(entries, sealer).0);
    }

    /// Whether every expectation holds when the writes are applied in their order.
    fn check(&self, work: &UnitOfWork) -> Result<(), StoreError> {
        let rows = self.rows.get(work.tenant());
        let mut changed: HashMap<PredictionId, bool> = HashMap::new();
        let mut expect = |id: PredictionId, there: bool| {
            let is_there =
                *changed.entry(id).or_insert_with(|| rows.is_some_and(|rows| rows.contains_key(&id)));
            changed.insert(id, !there);
            is_there == there
        };
        let entity = "prediction";
        for write in work.writes() {
            match write {
                Write::InsertPrediction(prediction) if !expect(prediction.id(), false) => {
                    return Err(StoreError::Conflict { entity, id: prediction.id().to_string() });
                }
                Write::DeletePrediction(id) if !expect(*id, true) => {
                    return Err(StoreError::NotFound { entity, id: id.to_string() });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl From<&Prediction> for Row {
    fn from(prediction: &Prediction) -> Self {
        Self {
            record: PredictionRecord::from(prediction),
            terms: search_terms(prediction.text().as_str()),
            unreadable: false,
        }
    }
}

fn outgoing(work: &UnitOfWork, event: &DomainEvent) -> FeedEvent {
    FeedEvent {
        position: 0,
        tenant: work.tenant().clone(),
        event_id: event.event_id(),
        event_type: event.event_type().to_owned(),
        aggregate_type: event.aggregate_type().to_owned(),
        aggregate_id: event.prediction_id().to_string(),
        prediction_id: Some(event.prediction_id()),
        occurred_at: event.occurred_at(),
        traceparent: work.traceparent().cloned(),
        facts: event.facts().cloned(),
        payload: write_payload(event),
    }
}
