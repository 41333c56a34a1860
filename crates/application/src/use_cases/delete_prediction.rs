use std::slice;
use std::sync::Arc;

use domain::entities::Prediction;
use domain::errors::DomainError;
use domain::value_objects::{AuditAction, Dimensions, PredictionFacts, PredictionId, TenantId};

use crate::action::log_action;
use crate::dtos::DeletePredictionRequest;
use crate::errors::ApplicationError;
use crate::ports::{Clock, IdGenerator, PredictionReadModel, StoreError, UnitOfWork, WriteStore};
use crate::use_cases::time_limits::SINGLE;

/// Deletes one prediction permanently.
pub struct DeletePredictionUseCase {
    predictions: Arc<dyn PredictionReadModel>,
    store: Arc<dyn WriteStore>,
    dimensions: Dimensions,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl DeletePredictionUseCase {
    /// The use case over its ports.
    pub fn new(
        predictions: Arc<dyn PredictionReadModel>,
        store: Arc<dyn WriteStore>,
        dimensions: Dimensions,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { predictions, store, dimensions, clock, ids }
    }

    /// Deletes the prediction; the deletion is durable when this returns.
    ///
    /// # Errors
    /// `NotFound`, also the second time; `DeadlineExceeded`, `Unavailable`.
    pub async fn execute(&self, request: DeletePredictionRequest) -> Result<(), ApplicationError> {
        log_action("DeletePredictionUseCase.execute", async {
            let facts = self.facts(&request.tenant, request.id).await?;
            let now = self.clock.now();
            let event = Prediction::deleted(request.id, facts, self.ids.event_id(now), now);
            let mut work = UnitOfWork::of(&request.tenant);
            work.trace(request.traceparent);
            work.begin_by(request.time_limit.deadline(SINGLE));
            work.delete(request.id);
            work.append(slice::from_ref(&event));
            let action = AuditAction::PredictionDeleted;
            work.audit(request.actor.entry(now, Some(&request.tenant), action, request.id.to_string()));
            Ok(self.store.commit(work).await?)
        })
        .await
    }

    /// What consumers counted about the prediction, which never changes; none where its row cannot be read.
    async fn facts(
        &self,
        tenant: &TenantId,
        id: PredictionId,
    ) -> Result<Option<PredictionFacts>, ApplicationError> {
        match self.predictions.find(tenant, id).await {
            Ok(Some(record)) => Ok(Some(record.prediction.facts(&self.dimensions))),
            Ok(None) => Err(DomainError::EntityNotFound { entity: "prediction", id: id.to_string() }.into()),
            Err(StoreError::Corrupt { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
