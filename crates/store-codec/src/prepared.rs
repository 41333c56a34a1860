use application::ports::{AccessChange, Deadline, IdempotencyClaim, TextCount, UnitOfWork, Write};
use domain::entities::Prediction;
use domain::events::DomainEvent;
use domain::policies::search_terms;
use domain::value_objects::{
    AuditEntry, Confidence, EventId, PredictionId, Sentiment, SentimentScores, TenantId, Timestamp,
    TraceParent,
};

use crate::answer::write_answer;
use crate::json::{write_labels, write_metadata, write_payload};
use crate::sentences::write_sentences;

/// A unit of work whose values have their stored form.
pub struct PreparedSet {
    tenant: TenantId,
    writes: Vec<PreparedWrite>,
    entries: Vec<AuditEntry>,
    deadline: Deadline,
}

/// One write of a [`PreparedSet`].
pub enum PreparedWrite {
    /// A new row of `predictions`.
    Insert(Box<PredictionValues>),
    /// The id of a row of `predictions` to remove.
    Delete(PredictionId),
    /// A new row of `outbox`.
    Append(EventValues),
    /// Texts to add to a row of `usage`.
    Count(TextCount),
    /// The answer to the request of a claim, a row of `idempotency_keys`.
    Complete {
        /// The claim.
        claim: IdempotencyClaim,
        /// The value of the column `answer`.
        answer: String,
    },
    /// A change of `tenants` or `api_keys`.
    Change(AccessChange),
}

/// The values of a row of `predictions`, and the terms of its text.
#[expect(missing_docs, reason = "the fields bear the names of their columns")]
pub struct PredictionValues {
    pub id: PredictionId,
    pub created_at: Timestamp,
    pub reference: Option<String>,
    pub sentiment: Option<&'static str>,
    pub confidence: Option<f32>,
    pub scores: SentimentScores,
    pub labels: String,
    pub top_k: Option<i64>,
    pub sentences: Option<String>,
    pub model_name: String,
    pub model_revision: String,
    pub tokens: i64,
    pub windows: i64,
    pub truncated: bool,
    pub cached: bool,
    pub metadata: String,
    pub text: String,
    /// Separated by spaces, which no term contains.
    pub terms: String,
}

/// The values of a row of `outbox`.
#[expect(missing_docs, reason = "the fields bear the names of their columns")]
pub struct EventValues {
    pub event_id: EventId,
    pub event_type: &'static str,
    pub aggregate_type: &'static str,
    pub prediction_id: PredictionId,
    pub occurred_at: Timestamp,
    pub payload: String,
    pub traceparent: Option<String>,
}

impl PreparedSet {
    /// Whether [`PreparedSet::new`] takes so long for `work` that it should not run on a thread that others share.
    pub fn is_slow(work: &UnitOfWork) -> bool {
        work.text_bytes() > 64 * 1024
    }

    /// Prepares `work`. Where the terms of a text have more than `most_term_bytes` together, the last in the order of
    /// the alphabet are left out.
    pub fn new(work: &UnitOfWork, most_term_bytes: usize) -> Self {
        let (mut writes, mut entries) = (Vec::with_capacity(work.writes().len()), Vec::new());
        for write in work.writes() {
            match write {
                Write::InsertPrediction(prediction) => {
                    let values = PredictionValues::new(prediction, most_term_bytes);
                    writes.push(PreparedWrite::Insert(Box::new(values)));
                }
                Write::DeletePrediction(id) => writes.push(PreparedWrite::Delete(*id)),
                Write::AppendEvent(event) => {
                    writes.push(PreparedWrite::Append(EventValues::new(event, work.traceparent())));
                }
                Write::CountTexts(count) => writes.push(PreparedWrite::Count(count.clone())),
                Write::CompleteClaim { claim, answer } => {
                    let answer = write_answer(answer);
                    writes.push(PreparedWrite::Complete { claim: claim.clone(), answer });
                }
                Write::AppendAudit(entry) => entries.push((**entry).clone()),
                Write::Change(change) => writes.push(PreparedWrite::Change(change.clone())),
            }
        }
        Self { tenant: work.tenant().clone(), writes, entries, deadline: work.deadline() }
    }

    /// The owner of the rows.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// When the commit must have begun.
    pub fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// The writes but the lines of the audit, in the order in which they were recorded.
    pub fn writes(&self) -> &[PreparedWrite] {
        &self.writes
    }

    /// The entries to append to the audit after all other writes, in the order in which they were recorded.
    pub fn entries(&self) -> &[AuditEntry] {
        &self.entries
    }

    /// The number of rows that are written.
    pub fn rows(&self) -> usize {
        self.writes.len() + self.entries.len()
    }
}

impl PredictionValues {
    fn new(prediction: &Prediction, most_term_bytes: usize) -> Self {
        let (result, usage) = (prediction.result(), prediction.usage());
        let text = prediction.text().as_str();
        Self {
            id: prediction.id(),
            created_at: prediction.created_at(),
            reference: prediction.reference().map(|reference| reference.as_str().to_owned()),
            sentiment: result.sentiment().map(Sentiment::as_str),
            confidence: result.confidence().map(Confidence::value),
            scores: result.scores(),
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
            terms: join_terms(text, most_term_bytes),
        }
    }
}

impl EventValues {
    fn new(event: &DomainEvent, traceparent: Option<&TraceParent>) -> Self {
        Self {
            event_id: event.event_id(),
            event_type: event.event_type(),
            aggregate_type: event.aggregate_type(),
            prediction_id: event.prediction_id(),
            occurred_at: event.occurred_at(),
            payload: write_payload(event),
            traceparent: traceparent.map(|trace| trace.as_str().to_owned()),
        }
    }
}

fn join_terms(text: &str, most_bytes: usize) -> String {
    let mut joined = String::with_capacity(text.len().min(most_bytes));
    for term in search_terms(text) {
        if joined.len() + term.len() > most_bytes {
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
    use super::*;

    #[test]
    fn terms_are_joined_up_to_the_most_bytes() {
        let text = (0..200_000).map(|n| format!("term{n}")).collect::<Vec<_>>().join(" ");
        let most = (1 << 20) - 1;
        assert!(text.len() > most);
        let terms = join_terms(&text, most);
        assert!(terms.len() <= most);
        assert!(terms.starts_with("term0 term1 term10 "));
        assert_eq!(join_terms("b a", usize::MAX), "a b");
    }
}
