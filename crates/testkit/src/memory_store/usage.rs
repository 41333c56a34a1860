use std::collections::BTreeMap;
use std::time::Duration;

use application::ports::{DayUsage, StoreError, TextCount, UsageCount, UsageReadModel, UsageRepository};
use async_trait::async_trait;
use domain::value_objects::{TenantId, Timestamp};

use super::MemoryStore;

/// The microseconds of a day.
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// The texts by day, tenant and principal.
#[derive(Debug, Clone, Default)]
pub(super) struct TextCounts(BTreeMap<(i64, TenantId, Option<String>), u64>);

impl TextCounts {
    /// Adds `count` to the texts of the day of `now`.
    pub(super) fn add(
        &mut self,
        tenant: &TenantId,
        count: &TextCount,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let place = (now.as_micros().div_euclid(DAY), tenant.clone(), count.principal.clone());
        let texts = self.0.entry(place).or_default();
        let sum = *texts + u64::from(count.texts);
        if count.quota.is_some_and(|quota| sum > quota.get()) {
            return Err(StoreError::QuotaExceeded { day_ends_in: day_ends_in(now) });
        }
        *texts = sum;
        Ok(())
    }

    /// Removes at most `limit` counts of `tenant`; returns how many.
    pub(super) fn erase(&mut self, tenant: &TenantId, limit: usize) -> usize {
        self.remove(limit, |_, owner| owner == tenant)
    }

    /// Makes every count older by `days` days.
    pub(super) fn age(&mut self, days: u32) {
        let counts = std::mem::take(&mut self.0).into_iter();
        let older = |((day, tenant, principal), texts)| ((day - i64::from(days), tenant, principal), texts);
        self.0 = counts.map(older).collect();
    }

    fn remove(&mut self, limit: usize, goes: impl Fn(i64, &TenantId) -> bool) -> usize {
        let places = self.0.keys().filter(|(day, tenant, _)| goes(*day, tenant)).take(limit);
        let places: Vec<_> = places.cloned().collect();
        for place in &places {
            self.0.remove(place);
        }
        places.len()
    }
}

fn day_ends_in(now: Timestamp) -> Duration {
    Duration::from_micros((DAY - now.as_micros().rem_euclid(DAY)).unsigned_abs())
}

#[async_trait]
impl UsageReadModel for MemoryStore {
    async fn today(&self, tenants: &[TenantId]) -> Result<DayUsage, StoreError> {
        let state = self.working()?;
        let now = self.clock.now();
        let today = now.as_micros().div_euclid(DAY);
        let of_today = state.texts.0.iter().filter(|((day, ..), _)| *day == today);
        let counts = of_today.filter(|((_, tenant, _), texts)| tenants.contains(tenant) && **texts > 0).map(
            |((_, tenant, principal), texts)| UsageCount {
                tenant: tenant.clone(),
                principal: principal.clone(),
                texts: *texts,
            },
        );
        Ok(DayUsage { ends_in: day_ends_in(now), counts: counts.collect() })
    }
}

#[async_trait]
impl UsageRepository for MemoryStore {
    async fn purge(&self, days: u32, limit: u32) -> Result<u64, StoreError> {
        let mut state = self.working()?;
        let today = self.clock.now().as_micros().div_euclid(DAY);
        let purged = state.texts.remove(limit as usize, |day, _| today - day >= i64::from(days));
        Ok(purged as u64)
    }
}
