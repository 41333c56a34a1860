use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use application::ports::{Clock, DayUsage, LimitError, LimitPolicy, Principal, QuotaStanding};
use domain::value_objects::TenantId;
use tokio::time::Instant;

use super::accounts::AccountKey;
use crate::SystemClock;

/// The texts of this day (UTC), as the store has summed them lately, of the tenants with a quota.
#[derive(Default)]
pub(super) struct DaySums(Mutex<State>);

#[derive(Default)]
struct State {
    /// The tenants with a quota, and when each was last seen.
    seen: HashMap<TenantId, Instant>,
    /// Of all tenants that were read this day. A tenant that was not read lately may have used more, but not less.
    texts: HashMap<AccountKey, u64>,
    /// When the day of the sums ends; none before the first sums.
    ends_at: Option<Instant>,
}

/// How long after its last request the texts of a tenant are read.
const SEEN_FOR: Duration = Duration::from_mins(1);
/// The most sums; where there are more, those of tenants that were not read lately are forgotten.
const MAX_SUMS: usize = 100_000;
/// How far apart the ends of one day may be as they are computed by different reads.
const SAME_DAY: Duration = Duration::from_mins(1);

impl DaySums {
    /// Notes that `principal` was seen, if it has a quota.
    pub(super) fn note(&self, principal: &Principal) {
        if quotas(principal).next().is_none() {
            return;
        }
        let (mut state, now) = (self.state(), Instant::now());
        match state.seen.get_mut(&principal.tenant) {
            Some(seen) => *seen = now,
            None => drop(state.seen.insert(principal.tenant.clone(), now)),
        }
    }

    /// Returns the tenants with a quota that were seen lately.
    pub(super) fn tenants(&self) -> Vec<TenantId> {
        let mut state = self.state();
        state.seen.retain(|_, seen| seen.elapsed() < SEEN_FOR);
        state.seen.keys().cloned().collect()
    }

    /// Replaces the sums of `tenants`, and removes those of other days.
    pub(super) fn update(&self, tenants: &[TenantId], today: DayUsage) {
        let ends_at = Instant::now() + today.ends_in;
        let mut state = self.state();
        if state.ends_at.is_some_and(|before| ends_at.max(before) - ends_at.min(before) < SAME_DAY)
            && state.texts.len() < MAX_SUMS
        {
            let tenants: HashSet<_> = tenants.iter().collect();
            state.texts.retain(|key, _| !tenants.contains(&key.tenant));
        } else {
            state.texts.clear();
        }
        state.ends_at = Some(ends_at);
        state.texts.extend(
            today
                .counts
                .into_iter()
                .map(|count| (AccountKey { tenant: count.tenant, caller: count.principal }, count.texts)),
        );
    }

    /// Refuses `texts` where a quota of `principal` is known to be used up.
    pub(super) fn check(&self, principal: &Principal, texts: u32) -> Result<(), LimitError> {
        for (key, quota) in quotas(principal) {
            if let Some((used, ends_in)) = self.used(&key)
                && used.saturating_add(texts.into()) > quota
            {
                let (policy, retry_after) = (LimitPolicy::TextsPerDay, ends_in);
                return Err(LimitError::Exceeded { policy, retry_after });
            }
        }
        Ok(())
    }

    /// What is left of `quota`: all of it while the sums of the day are not known.
    pub(super) fn standing(&self, key: &AccountKey, quota: u64) -> QuotaStanding {
        let (used, ends_in) = self.used(key).unwrap_or_else(|| (0, until_midnight()));
        QuotaStanding { quota, used, ends_in }
    }

    /// The texts of the day, and how long until it ends; none before the first sums and after their day.
    fn used(&self, key: &AccountKey) -> Option<(u64, Duration)> {
        let state = self.state();
        let ends_in = state.ends_at?.checked_duration_since(Instant::now())?;
        (!ends_in.is_zero()).then(|| (state.texts.get(key).copied().unwrap_or_default(), ends_in))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long until the day (UTC) ends by the machine's clock.
fn until_midnight() -> Duration {
    const DAY: i64 = 24 * 60 * 60 * 1_000_000;
    let passed = SystemClock.now().as_micros().rem_euclid(DAY);
    Duration::from_micros((DAY - passed).unsigned_abs())
}

/// The quotas of the day of a principal, each with its account.
fn quotas(principal: &Principal) -> impl Iterator<Item = (AccountKey, u64)> {
    let tenant = &principal.tenant;
    let of_tenant = principal.limits.texts_per_day.map(|quota| (AccountKey::of_tenant(tenant), quota.get()));
    let own = principal
        .own
        .as_ref()
        .and_then(|own| Some((AccountKey::of_caller(tenant, &own.id), own.limits.texts_per_day?.get())));
    of_tenant.into_iter().chain(own)
}
