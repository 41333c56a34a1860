use std::sync::Arc;
use std::time::Duration;

use domain::errors::{DomainError, Rule};
use domain::value_objects::{PredictionOptions, RawOptions, TenantId, TraceParent};

use crate::ports::{Deadline, MlGateway, ModelCatalog, Principal};
use crate::use_cases::time_limits::LONGEST_BATCH;

/// The tenant, the model, the options, the limits and the deadline of a request.
///
/// It holds its model from the first text to the last, so that one model answers the whole request, whichever models
/// are loaded or unloaded meanwhile.
pub(in crate::use_cases) struct RequestContext {
    pub(in crate::use_cases) tenant: TenantId,
    pub(in crate::use_cases) model: Arc<dyn MlGateway>,
    pub(in crate::use_cases) options: PredictionOptions,
    pub(in crate::use_cases) principal: Arc<Principal>,
    pub(in crate::use_cases) deadline: Deadline,
    pub(in crate::use_cases) traceparent: Option<TraceParent>,
}

impl RequestContext {
    /// Validates the options and chooses the model; without a deadline.
    pub(in crate::use_cases) fn resolve(
        models: &dyn ModelCatalog,
        tenant: TenantId,
        model: Option<&str>,
        options: &RawOptions,
        principal: Option<Arc<Principal>>,
    ) -> Result<Self, DomainError> {
        let options = PredictionOptions::parse(options)?;
        Ok(Self::new(tenant, choose_model(models, model)?, options, principal))
    }

    /// The context of a request without a deadline.
    pub(in crate::use_cases) fn new(
        tenant: TenantId,
        model: Arc<dyn MlGateway>,
        options: PredictionOptions,
        principal: Option<Arc<Principal>>,
    ) -> Self {
        let principal = principal.unwrap_or_else(|| Arc::new(Principal::unlimited(tenant.clone())));
        Self { tenant, model, options, principal, deadline: Deadline::Never, traceparent: None }
    }

    /// How long the request may still take, at most the time of the longest request.
    pub(in crate::use_cases) fn remaining(&self) -> Duration {
        self.deadline.remaining().unwrap_or(LONGEST_BATCH)
    }

    /// The same context with this deadline.
    pub(in crate::use_cases) fn with_deadline(self, deadline: Deadline) -> Self {
        Self { deadline, ..self }
    }

    /// The same context in this trace.
    pub(in crate::use_cases) fn in_trace(self, traceparent: Option<TraceParent>) -> Self {
        Self { traceparent, ..self }
    }
}

/// The model of this name; the default one without a name.
pub(in crate::use_cases) fn choose_model(
    models: &dyn ModelCatalog,
    name: Option<&str>,
) -> Result<Arc<dyn MlGateway>, DomainError> {
    models.choose(name).ok_or_else(|| DomainError::violation("model", Rule::UnknownModel))
}
