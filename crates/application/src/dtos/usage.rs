use domain::value_objects::Timestamp;

use crate::ports::{Principal, PrincipalStanding};

/// What a caller and its tenant have used.
#[derive(Debug, Clone, PartialEq)]
pub struct GetUsageResponse {
    /// The caller.
    pub principal: Principal,
    /// What is left of the limits.
    pub standing: PrincipalStanding,
    /// The texts of this day (UTC), of all callers of the tenant.
    pub texts_today: u64,
    /// The texts of this day of the caller, where it has a quota of its own.
    pub own_texts_today: Option<u64>,
    /// When the day ends.
    pub day_ends_at: Timestamp,
}
