use std::slice;
use std::sync::Arc;

use crate::action::log_action;
use crate::dtos::GetUsageResponse;
use crate::errors::ApplicationError;
use crate::ports::{Principal, UsageLimiter, UsageReadModel};

/// Reads what a caller and its tenant have used of their limits.
pub struct GetUsageUseCase {
    limiter: Arc<dyn UsageLimiter>,
    usage: Arc<dyn UsageReadModel>,
}

impl GetUsageUseCase {
    /// The use case over its ports.
    pub fn new(limiter: Arc<dyn UsageLimiter>, usage: Arc<dyn UsageReadModel>) -> Self {
        Self { limiter, usage }
    }

    /// Returns the texts of this day, of all replicas, and what is left of the rates, of this replica.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    pub async fn execute(&self, principal: &Principal) -> Result<GetUsageResponse, ApplicationError> {
        log_action("GetUsageUseCase.execute", async {
            let tenant = &principal.tenant;
            let today = self.usage.today(slice::from_ref(tenant)).await?;
            let own = principal.own.as_ref().filter(|own| own.limits.texts_per_day.is_some());
            Ok(GetUsageResponse {
                standing: self.limiter.standing(principal),
                texts_today: today.texts(tenant, None),
                own_texts_today: own.map(|own| today.texts(tenant, Some(&own.id))),
                day_ends_in: today.ends_in,
                principal: principal.clone(),
            })
        })
        .await
    }
}
