use std::slice;
use std::sync::Arc;
use std::time::Duration;

use domain::value_objects::Timestamp;

use crate::action::log_action;
use crate::dtos::GetUsageResponse;
use crate::errors::ApplicationError;
use crate::ports::{Clock, Principal, UsageLimiter, UsageReadModel};

/// Reads what a caller and its tenant have used of their limits.
pub struct GetUsageUseCase {
    limiter: Arc<dyn UsageLimiter>,
    usage: Arc<dyn UsageReadModel>,
    clock: Arc<dyn Clock>,
}

/// The microseconds of a day.
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

impl GetUsageUseCase {
    /// The use case over its ports.
    pub fn new(
        limiter: Arc<dyn UsageLimiter>,
        usage: Arc<dyn UsageReadModel>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { limiter, usage, clock }
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
                day_ends_at: midnight(self.clock.now(), today.ends_in),
                principal: principal.clone(),
            })
        })
        .await
    }
}

/// Returns the midnight (UTC) that is about `ends_in` after `now`: the day is that of the store's clock, from which
/// this clock may differ a little.
fn midnight(now: Timestamp, ends_in: Duration) -> Timestamp {
    let end = now.plus(ends_in).as_micros().saturating_add(DAY / 2);
    Timestamp::from_micros(end.div_euclid(DAY) * DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_ends_at_a_midnight_although_the_clocks_differ() {
        for late in [-DAY / 3, -1, 0, 1, DAY / 3] {
            let now = Timestamp::from_micros(20_454 * DAY - 60_000_000 + late);
            let end = midnight(now, Duration::from_mins(1));
            assert_eq!(end, Timestamp::from_micros(20_454 * DAY), "{late}");
        }
    }
}
