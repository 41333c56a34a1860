use async_trait::async_trait;
use domain::entities::Prediction;
use domain::events::DomainEvent;
use domain::value_objects::{PredictionId, TenantId};

use crate::ports::{OutboxRepository, PredictionRepository, StoreError};

/// Begins units of work.
pub trait UnitOfWorkFactory: Send + Sync {
    /// A new, empty unit of work on the tenant's rows. Implementations must open nothing yet.
    fn begin(&self, tenant: &TenantId) -> Box<dyn UnitOfWork>;
}

/// A set of writes that come through together or not at all.
///
/// Implementations must write nothing when a unit of work is dropped before [`UnitOfWork::commit`]
/// (`dropping_a_unit_of_work_writes_nothing`), must have made every write durable when `commit` answers `Ok`,
/// and may apply many sets in one transaction as long as a set that fails fails alone
/// (`a_conflict_fails_alone_inside_a_group`, `a_missing_row_fails_alone_inside_a_group`).
#[async_trait]
pub trait UnitOfWork: Send {
    /// Records writes to predictions.
    fn predictions(&mut self) -> &mut dyn PredictionRepository;

    /// Records events.
    fn outbox(&mut self) -> &mut dyn OutboxRepository;

    /// Applies everything recorded, in order.
    ///
    /// # Errors
    /// `Conflict` or `NotFound` where an expectation was wrong, and then nothing of the set is written;
    /// `Unavailable` where the store does not work, is too slow, or the commit's outcome is not known.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// What a unit of work has recorded: the adapters' common currency.
#[derive(Debug, Clone)]
pub struct WriteSet {
    /// Whose rows they are.
    pub tenant: TenantId,
    /// The writes, in the order they were recorded.
    pub writes: Vec<Write>,
}

/// One recorded write and its expectation.
#[derive(Debug, Clone)]
pub enum Write {
    /// Keep this prediction, which must be new.
    InsertPrediction(Box<Prediction>),
    /// Remove this prediction, which must exist.
    DeletePrediction(PredictionId),
    /// Remember this event until it is published.
    AppendEvent(DomainEvent),
}

impl WriteSet {
    /// An empty set on the tenant's rows.
    pub fn new(tenant: TenantId) -> Self {
        Self { tenant, writes: Vec::new() }
    }

    /// The bytes of all texts in it.
    pub fn text_bytes(&self) -> usize {
        let texts = self.writes.iter().map(|write| match write {
            Write::InsertPrediction(prediction) => prediction.text().as_str().len(),
            Write::DeletePrediction(_) | Write::AppendEvent(_) => 0,
        });
        texts.sum()
    }
}

impl PredictionRepository for WriteSet {
    fn insert(&mut self, prediction: &Prediction) {
        self.writes.push(Write::InsertPrediction(Box::new(prediction.clone())));
    }

    fn delete(&mut self, id: PredictionId) {
        self.writes.push(Write::DeletePrediction(id));
    }
}

impl OutboxRepository for WriteSet {
    fn append(&mut self, events: &[DomainEvent]) {
        self.writes.extend(events.iter().cloned().map(Write::AppendEvent));
    }
}
