use std::panic::resume_unwind;

use application::ports::{StoreError, UnitOfWork, Write};
use domain::entities::Prediction;
use domain::events::DomainEvent;
use domain::policies::search_terms;
use domain::value_objects::{Confidence, PredictionId, Sentiment, TenantId};
use tokio::task::spawn_blocking;
use uuid::Uuid;

use crate::error::{Failure, unavailable};
use crate::json::{write_labels, write_metadata, write_payload};
use crate::sentences_json::write_sentences;
use crate::timestamp::PgTimestamp;

/// A write set whose values are in the form in which they are kept.
pub(crate) struct PreparedSet {
    tenant: TenantId,
    writes: Vec<PreparedWrite>,
}

/// One write of a [`PreparedSet`].
pub(super) enum PreparedWrite {
    Insert(Box<PredictionValues>),
    Delete(Uuid),
    Append(EventValues),
}

/// The values of a row of `predictions`.
pub(super) struct PredictionValues {
    pub(super) id: Uuid,
    pub(super) created_at: PgTimestamp,
    pub(super) reference: Option<String>,
    pub(super) sentiment: Option<&'static str>,
    pub(super) confidence: Option<f32>,
    pub(super) negative: Option<f32>,
    pub(super) neutral: Option<f32>,
    pub(super) positive: Option<f32>,
    pub(super) labels: String,
    pub(super) top_k: Option<i64>,
    pub(super) sentences: Option<String>,
    pub(super) model_name: String,
    pub(super) model_revision: String,
    pub(super) tokens: i64,
    pub(super) windows: i64,
    pub(super) truncated: bool,
    pub(super) cached: bool,
    pub(super) metadata: String,
    pub(super) text: String,
    /// The terms of the text, separated by spaces, which no term holds.
    pub(super) terms: String,
}

/// The values of a row of `outbox`.
pub(super) struct EventValues {
    pub(super) id: Uuid,
    pub(super) event_type: &'static str,
    pub(super) prediction_id: Uuid,
    pub(super) occurred_at: PgTimestamp,
    pub(super) payload: String,
}

/// The most bytes of all terms of a text together: a `tsvector` finds its lexemes by offsets of 20 bits. Texts
/// of 200,000 characters stay below it; of a longer one the last terms in the order of the alphabet are not found.
const MOST_TERM_BYTES: usize = (1 << 20) - 1;

/// The bytes of the texts of a write set above which it is prepared away from the caller's thread, which others share.
const LARGE_SET_BYTES: usize = 64 * 1024;

impl PreparedSet {
    /// Prepares `work`; a large one away from the caller's thread.
    pub(crate) async fn prepare(work: UnitOfWork) -> Result<Self, StoreError> {
        if work.text_bytes() <= LARGE_SET_BYTES {
            return Self::try_from(work).map_err(unavailable);
        }
        match spawn_blocking(move || Self::try_from(work)).await {
            Ok(prepared) => prepared.map_err(unavailable),
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(_cancelled) => Err(unavailable(Failure::Closed)),
            },
        }
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
}

impl TryFrom<UnitOfWork> for PreparedSet {
    type Error = Failure;

    fn try_from(work: UnitOfWork) -> Result<Self, Failure> {
        let writes = work.writes().iter().map(|write| {
            Ok(match write {
                Write::InsertPrediction(prediction) => {
                    PreparedWrite::Insert(Box::new(prediction.as_ref().try_into()?))
                }
                Write::DeletePrediction(id) => PreparedWrite::Delete(uuid(*id)),
                Write::AppendEvent(event) => PreparedWrite::Append(event.try_into()?),
            })
        });
        Ok(Self { writes: writes.collect::<Result<_, Failure>>()?, tenant: work.tenant().clone() })
    }
}

impl TryFrom<&Prediction> for PredictionValues {
    type Error = Failure;

    fn try_from(prediction: &Prediction) -> Result<Self, Failure> {
        let (result, usage) = (prediction.result(), prediction.usage());
        let scores = result.scores();
        let text = prediction.text().as_str();
        Ok(Self {
            id: uuid(prediction.id()),
            created_at: prediction.created_at().try_into()?,
            reference: prediction.reference().map(|reference| reference.as_str().to_owned()),
            sentiment: result.sentiment().map(Sentiment::as_str),
            confidence: result.confidence().map(Confidence::value),
            negative: scores.negative,
            neutral: scores.neutral,
            positive: scores.positive,
            labels: write_labels(result.labels()),
            top_k: result.top_k().map(|most| most.get().into()),
            sentences: result.sentences().map(write_sentences),
            model_name: prediction.model().name().to_owned(),
            model_revision: prediction.model().revision().to_owned(),
            tokens: usage.tokens.into(),
            windows: usage.windows.into(),
            truncated: usage.truncated,
            cached: prediction.cached(),
            metadata: write_metadata(prediction.metadata()),
            text: text.to_owned(),
            terms: join_terms(text),
        })
    }
}

impl TryFrom<&DomainEvent> for EventValues {
    type Error = Failure;

    fn try_from(event: &DomainEvent) -> Result<Self, Failure> {
        Ok(Self {
            id: Uuid::from_u128(event.event_id().as_u128()),
            event_type: event.event_type(),
            prediction_id: uuid(event.prediction_id()),
            occurred_at: event.occurred_at().try_into()?,
            payload: write_payload(event),
        })
    }
}

fn uuid(id: PredictionId) -> Uuid {
    Uuid::from_u128(id.as_u128())
}

fn join_terms(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    for term in search_terms(text) {
        if joined.len() + term.len() > MOST_TERM_BYTES {
            break;
        }
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(&term);
    }
    joined
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use store_contract::samples::{Samples, text};

    use super::*;

    #[test]
    fn terms_never_grow_beyond_what_a_tsvector_holds() {
        let text = (0..200_000).map(|n| format!("term{n}")).collect::<Vec<_>>().join(" ");
        assert!(text.len() > MOST_TERM_BYTES);
        let terms = join_terms(&text);
        assert!(terms.len() <= MOST_TERM_BYTES);
        assert!(terms.starts_with("term0 term1 term10 "));
    }

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
