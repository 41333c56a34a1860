use std::slice;
use std::sync::Arc;

use domain::entities::Prediction;
use domain::value_objects::AuditAction;

use crate::action::log_action;
use crate::dtos::DeletePredictionRequest;
use crate::errors::ApplicationError;
use crate::ports::{Clock, IdGenerator, UnitOfWork, WriteStore};
use crate::use_cases::time_limits::SINGLE;

/// Deletes one prediction permanently.
pub struct DeletePredictionUseCase {
    store: Arc<dyn WriteStore>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

impl DeletePredictionUseCase {
    /// The use case over its ports.
    pub fn new(store: Arc<dyn WriteStore>, clock: Arc<dyn Clock>, ids: Arc<dyn IdGenerator>) -> Self {
        Self { store, clock, ids }
    }

    /// Deletes the prediction; the deletion is durable when this returns.
    ///
    /// # Errors
    /// `NotFound`, also the second time; `DeadlineExceeded`, `Unavailable`.
    pub async fn execute(&self, request: DeletePredictionRequest) -> Result<(), ApplicationError> {
        log_action("DeletePredictionUseCase.execute", async {
            let now = self.clock.now();
            let event = Prediction::deleted(request.id, self.ids.event_id(now), now);
            let mut work = UnitOfWork::of(&request.tenant);
            work.begin_by(request.time_limit.deadline(SINGLE));
            work.delete(request.id);
            work.append(slice::from_ref(&event));
            let action = AuditAction::PredictionDeleted;
            work.audit(request.actor.entry(now, Some(&request.tenant), action, request.id.to_string()));
            Ok(self.store.commit(work).await?)
        })
        .await
    }
}
