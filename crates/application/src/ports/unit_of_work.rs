use domain::entities::Prediction;
use domain::events::DomainEvent;
use domain::value_objects::{PredictionId, TenantId};

/// The writes of one tenant that are committed together or not at all: plain data, which a
/// [`WriteStore`](crate::ports::WriteStore) consumes. Dropping it writes nothing.
///
/// What the source texts call `PredictionRepository.insert` and `.delete` is [`insert`](Self::insert) and
/// [`delete`](Self::delete) here; `OutboxRepository.append` is [`append`](Self::append).
#[derive(Debug, Clone)]
pub struct UnitOfWork {
    tenant: TenantId,
    writes: Vec<Write>,
}

/// One recorded write and its expectation.
#[derive(Debug, Clone)]
pub enum Write {
    /// Stores this prediction, which must be new.
    InsertPrediction(Box<Prediction>),
    /// Removes this prediction, which must exist.
    DeletePrediction(PredictionId),
    /// Stores this event until it is published.
    AppendEvent(DomainEvent),
}

impl UnitOfWork {
    /// An empty unit of work on the tenant's rows.
    pub fn of(tenant: &TenantId) -> Self {
        Self { tenant: tenant.clone(), writes: Vec::new() }
    }

    /// Stores `prediction`. The commit fails with `Conflict` if its id exists already.
    pub fn insert(&mut self, prediction: &Prediction) {
        self.writes.push(Write::InsertPrediction(Box::new(prediction.clone())));
    }

    /// Removes the prediction `id`. The commit fails with `NotFound` if the tenant has none of that id.
    pub fn delete(&mut self, id: PredictionId) {
        self.writes.push(Write::DeletePrediction(id));
    }

    /// Stores `events`, in this order, to be published once they are committed.
    pub fn append(&mut self, events: &[DomainEvent]) {
        self.writes.extend(events.iter().cloned().map(Write::AppendEvent));
    }

    /// The owner of the rows.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The writes, in the order in which they were recorded.
    pub fn writes(&self) -> &[Write] {
        &self.writes
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
