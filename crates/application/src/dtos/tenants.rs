use std::num::{NonZeroU32, NonZeroU64};

use domain::value_objects::{Limits, Rate, TenantId};

use crate::dtos::Actor;

/// Add, disable, enable or limit a tenant.
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
    /// Change its limits.
    Limit(LimitsChange),
}

/// A change of limits: none for what stays, and none inside for what is limited no more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LimitsChange {
    /// The rate of requests.
    pub requests: Option<Option<Rate>>,
    /// The rate of texts.
    pub texts: Option<Option<Rate>>,
    /// The concurrent requests.
    pub concurrent: Option<Option<NonZeroU32>>,
    /// The texts of a day.
    pub texts_per_day: Option<Option<NonZeroU64>>,
}

impl LimitsChange {
    /// Returns the limits after the change of `limits`.
    pub fn apply_to(self, limits: Limits) -> Limits {
        Limits {
            requests: self.requests.unwrap_or(limits.requests),
            texts: self.texts.unwrap_or(limits.texts),
            concurrent: self.concurrent.unwrap_or(limits.concurrent),
            texts_per_day: self.texts_per_day.unwrap_or(limits.texts_per_day),
        }
    }
}

/// Remove everything of a tenant.
#[derive(Debug, Clone)]
pub struct EraseTenantRequest {
    /// The tenant.
    pub tenant: TenantId,
    /// Who does it.
    pub actor: Actor,
}
