use domain::value_objects::TenantId;

use crate::dtos::Actor;

/// Add, disable or enable a tenant.
#[derive(Debug, Clone)]
pub struct ChangeTenantRequest {
    /// The tenant.
    pub tenant: TenantId,
    /// What is done.
    pub change: TenantChange,
    /// Who does it.
    pub actor: Actor,
}

/// A change of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantChange {
    /// Add it.
    Add,
    /// Refuse its callers.
    Disable,
    /// Accept its callers again.
    Enable,
}

/// Remove everything of a tenant.
#[derive(Debug, Clone)]
pub struct EraseTenantRequest {
    /// The tenant.
    pub tenant: TenantId,
    /// Who does it.
    pub actor: Actor,
}
