use std::sync::Arc;

use domain::errors::{DomainError, Rule};
use domain::value_objects::{AskedOptions, PredictionOptions, TenantId};

use crate::ports::MlGateway;
use crate::use_cases::PredictPorts;

/// What is wanted of some texts: for whom, by which model, and how.
///
/// It holds its model from the first text to the last, so that a request is answered by one model alone, whatever is
/// loaded or unloaded meanwhile.
pub(super) struct Inquiry {
    pub(super) tenant: TenantId,
    pub(super) model: Arc<dyn MlGateway>,
    pub(super) options: PredictionOptions,
}

impl PredictPorts {
    /// Checks what is asked of the answers, and chooses the model.
    pub(super) fn inquire(
        &self,
        tenant: TenantId,
        model: Option<&str>,
        options: &AskedOptions,
    ) -> Result<Inquiry, DomainError> {
        let options = PredictionOptions::parse(options)?;
        Ok(Inquiry { tenant, model: self.choose(model)?, options })
    }

    /// The model of this name, the default where there is none.
    pub(super) fn choose(&self, model: Option<&str>) -> Result<Arc<dyn MlGateway>, DomainError> {
        let unknown = || DomainError::violation("model", Rule::UnknownModel);
        self.models.choose(model).ok_or_else(unknown)
    }
}
