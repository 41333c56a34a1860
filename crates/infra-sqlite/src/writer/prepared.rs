use std::panic::resume_unwind;

use application::ports::{StoreError, UnitOfWork, Write};
use domain::entities::Prediction;
use domain::events::DomainEvent;
use domain::policies::search_terms;
use domain::value_objects::{Confidence, EventId, PredictionId, Sentiment, TenantId};
use tokio::task::spawn_blocking;

use crate::error::{Failure, unavailable};
use crate::json::{write_labels, write_metadata, write_payload};
use crate::sentences_json::write_sentences;

/// A write set whose values are in the form in which they are kept.
pub(crate) struct PreparedSet {
    tenant: TenantId,
    writes: Vec<PreparedWrite>,
}

/// One write of a [`PreparedSet`].
pub(super) enum PreparedWrite {
    Insert(Box<PredictionValues>),
    Delete(PredictionId),
    Append(EventValues),
}

/// The values of a row of `predictions`, and the terms of its text.
pub(super) struct PredictionValues {
    pub(super) id: PredictionId,
    pub(super) reference: Option<String>,
    pub(super) metadata: String,
    pub(super) sentiment: Option<&'static str>,
    pub(super) confidence: Option<f64>,
    pub(super) scores: [Option<f64>; 3],
    pub(super) labels: String,
    pub(super) top_k: Option<i64>,
    pub(super) sentences: Option<String>,
    pub(super) model_name: String,
    pub(super) model_revision: String,
    pub(super) tokens: u32,
    pub(super) windows: u32,
    pub(super) truncated: bool,
    pub(super) cached: bool,
    pub(super) created_at: i64,
    pub(super) text: String,
    pub(super) terms: String,
}

/// The values of a row of `outbox`.
pub(super) struct EventValues {
    pub(super) id: EventId,
    pub(super) event_type: &'static str,
    pub(super) prediction_id: PredictionId,
    pub(super) occurred_at: i64,
    pub(super) payload: String,
}

/// The bytes of the texts of a write set above which it is prepared away from the caller's thread, which others share.
const LARGE_SET_BYTES: usize = 64 * 1024;

impl PreparedSet {
    /// Prepares `work`; a large one away from the caller's thread.
    pub(crate) async fn prepare(work: UnitOfWork) -> Result<Self, StoreError> {
        if work.text_bytes() <= LARGE_SET_BYTES {
            return Ok(work.into());
        }
        let prepared = spawn_blocking(move || Self::from(work)).await;
        prepared.map_err(|ended| match ended.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_cancelled) => unavailable(Failure::Closed),
        })
    }

    /// Whose rows they are.
    pub(super) fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The writes, in the order in which they were recorded.
    pub(super) fn writes(&self) -> &[PreparedWrite] {
        &self.writes
    }

    /// The rows that are written or removed.
    pub(super) fn rows(&self) -> usize {
        self.writes.len()
    }

    /// Whether the set adds predictions; one that does not is needed to make room in a full store.
    pub(super) fn inserts(&self) -> bool {
        self.writes.iter().any(|write| matches!(write, PreparedWrite::Insert(_)))
    }

    /// Whether the set removes predictions.
    pub(super) fn deletes(&self) -> bool {
        self.writes.iter().any(|write| matches!(write, PreparedWrite::Delete(_)))
    }
}

impl From<UnitOfWork> for PreparedSet {
    fn from(work: UnitOfWork) -> Self {
        let writes = work.writes().iter().map(|write| match write {
            Write::InsertPrediction(prediction) => {
                PreparedWrite::Insert(Box::new(prediction.as_ref().into()))
            }
            Write::DeletePrediction(id) => PreparedWrite::Delete(*id),
            Write::AppendEvent(event) => PreparedWrite::Append(event.into()),
        });
        Self { writes: writes.collect(), tenant: work.tenant().clone() }
    }
}

impl From<&Prediction> for PredictionValues {
    fn from(prediction: &Prediction) -> Self {
        let (result, usage) = (prediction.result(), prediction.usage());
        let scores = result.scores();
        let text = prediction.text().as_str();
        Self {
            id: prediction.id(),
            reference: prediction.reference().map(|reference| reference.as_str().to_owned()),
            metadata: write_metadata(prediction.metadata()),
            sentiment: result.sentiment().map(Sentiment::as_str),
            confidence: result.confidence().map(Confidence::value).map(f64::from),
            scores: [scores.negative, scores.neutral, scores.positive].map(|score| score.map(f64::from)),
            labels: write_labels(result.labels()),
            top_k: result.top_k().map(|most| most.get().into()),
            sentences: result.sentences().map(write_sentences),
            model_name: prediction.model().name().to_owned(),
            model_revision: prediction.model().revision().to_owned(),
            tokens: usage.tokens,
            windows: usage.windows,
            truncated: usage.truncated,
            cached: prediction.cached(),
            created_at: prediction.created_at().as_micros(),
            text: text.to_owned(),
            terms: search_terms(text).into_iter().collect::<Vec<_>>().join(" "),
        }
    }
}

impl From<&DomainEvent> for EventValues {
    fn from(event: &DomainEvent) -> Self {
        Self {
            id: event.event_id(),
            event_type: event.event_type(),
            prediction_id: event.prediction_id(),
            occurred_at: event.occurred_at().as_micros(),
            payload: write_payload(event),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use store_contract::samples::{Samples, text};

    use super::*;

    /// A unit of work of one text of so many bytes.
    fn work_of(bytes: usize) -> UnitOfWork {
        let mut work = UnitOfWork::of(&TenantId::default());
        work.insert(&Samples::new().one_with(|new| new.text = text(&"word ".repeat(bytes / 5))));
        work
    }

    #[tokio::test]
    async fn a_large_set_does_not_occupy_its_caller() {
        let mut context = Context::from_waker(Waker::noop());
        let mut small = pin!(PreparedSet::prepare(work_of(1_000)));
        assert!(small.as_mut().poll(&mut context).is_ready());
        let mut large = pin!(PreparedSet::prepare(work_of(1_000_000)));
        assert!(large.as_mut().poll(&mut context).is_pending());
        assert!(large.await.is_ok_and(|set| set.rows() == 1));
    }
}
