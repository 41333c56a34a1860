use std::sync::Arc;

use domain::errors::{DomainError, Rule};
use domain::value_objects::{PredictionOptions, RawOptions, TenantId};

use crate::ports::{MlGateway, ModelCatalog};

/// The tenant, the model and the options of a request.
///
/// It holds its model from the first text to the last, so that one model answers the whole request, whichever models
/// are loaded or unloaded meanwhile.
pub(in crate::use_cases) struct RequestContext {
    pub(in crate::use_cases) tenant: TenantId,
    pub(in crate::use_cases) model: Arc<dyn MlGateway>,
    pub(in crate::use_cases) options: PredictionOptions,
}

impl RequestContext {
    /// Validates the options and chooses the model.
    pub(in crate::use_cases) fn resolve(
        models: &dyn ModelCatalog,
        tenant: TenantId,
        model: Option<&str>,
        options: &RawOptions,
    ) -> Result<Self, DomainError> {
        let options = PredictionOptions::parse(options)?;
        Ok(Self { tenant, model: choose_model(models, model)?, options })
    }
}

/// The model of this name; the default one without a name.
pub(in crate::use_cases) fn choose_model(
    models: &dyn ModelCatalog,
    name: Option<&str>,
) -> Result<Arc<dyn MlGateway>, DomainError> {
    models.choose(name).ok_or_else(|| DomainError::violation("model", Rule::UnknownModel))
}
