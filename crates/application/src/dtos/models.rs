use domain::value_objects::TenantId;

use crate::dtos::Actor;
use crate::ports::ModelSpec;

/// Load a model, replacing one of the same name.
#[derive(Debug, Clone)]
pub struct LoadModelRequest {
    /// The name under which it is served.
    pub name: String,
    /// Which model, and how it runs.
    pub spec: ModelSpec,
    /// The tenant of the caller.
    pub tenant: TenantId,
    /// Who loads it.
    pub actor: Actor,
}

/// Unload a model.
#[derive(Debug, Clone)]
pub struct UnloadModelRequest {
    /// The name under which it is served.
    pub name: String,
    /// The tenant of the caller.
    pub tenant: TenantId,
    /// Who unloads it.
    pub actor: Actor,
}
