use std::sync::Arc;

use domain::value_objects::TenantId;

use crate::action::log_action;
use crate::dtos::RebuildProgress;
use crate::errors::ApplicationError;
use crate::ports::{RollupRepository, TenantRepository};
use crate::use_cases::change_tenant::existing;

/// Has the rollups counted again from the predictions, by the replica that leads, while requests are answered.
pub struct RebuildAnalyticsUseCase {
    rollups: Arc<dyn RollupRepository>,
    tenants: Arc<dyn TenantRepository>,
}

/// The most ranges that a report of the progress reads.
const RANGES: u32 = 10_000;

impl RebuildAnalyticsUseCase {
    /// The use case over its ports.
    pub fn new(rollups: Arc<dyn RollupRepository>, tenants: Arc<dyn TenantRepository>) -> Self {
        Self { rollups, tenants }
    }

    /// Marks the history of `tenant`, or of all tenants without one, as outdated; returns the number of histories. They
    /// are counted again from their end on, and each is exact up to what is still marked.
    ///
    /// # Errors
    /// `NotFound`; `Unavailable`.
    pub async fn execute(&self, tenant: Option<&TenantId>) -> Result<u64, ApplicationError> {
        log_action("RebuildAnalyticsUseCase.execute", async {
            if let Some(tenant) = tenant {
                existing(self.tenants.find(tenant).await?, tenant)?;
            }
            Ok(self.rollups.mark_outdated(tenant).await?)
        })
        .await
    }

    /// Returns what of `tenant`, or of all tenants without one, is still to be counted.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn progress(&self, tenant: Option<&TenantId>) -> Result<RebuildProgress, ApplicationError> {
        let ranges = self.rollups.outdated(RANGES).await?;
        let ranges = ranges.iter().filter(|range| tenant.is_none_or(|tenant| *tenant == range.tenant));
        let zero = RebuildProgress { ranges: 0, buckets: 0 };
        Ok(ranges.fold(zero, |sum, range| RebuildProgress {
            ranges: sum.ranges + 1,
            buckets: sum.buckets + range.buckets(),
        }))
    }
}
