use std::time::Duration;

use async_trait::async_trait;
use domain::value_objects::TenantId;

use crate::ports::StoreError;

/// The texts of a day (UTC), by the store's own clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayUsage {
    /// How long until the day ends.
    pub ends_in: Duration,
    /// The counts that are not zero.
    pub counts: Vec<UsageCount>,
}

/// The texts of one principal, of all replicas together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageCount {
    /// The tenant.
    pub tenant: TenantId,
    /// The caller within the tenant; none for all callers of the tenant.
    pub principal: Option<String>,
    /// The texts.
    pub texts: u64,
}

impl DayUsage {
    /// Returns the texts of a caller, or of all callers of the tenant.
    pub fn texts(&self, tenant: &TenantId, principal: Option<&str>) -> u64 {
        let of = |count: &&UsageCount| count.tenant == *tenant && count.principal.as_deref() == principal;
        self.counts.iter().find(of).map_or(0, |count| count.texts)
    }
}

/// Reads how much was used.
///
/// Implementations must sum the counts of all replicas (`the_texts_of_all_replicas_are_summed`), of the store's current
/// day only, and those of the given tenants only (`tenants_are_counted_apart`).
#[async_trait]
pub trait UsageReadModel: Send + Sync {
    /// The texts of this day of `tenants`.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    async fn today(&self, tenants: &[TenantId]) -> Result<DayUsage, StoreError>;
}
