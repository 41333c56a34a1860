use std::collections::BTreeMap;
use std::time::Duration;

use application::ports::{ClaimOutcome, IdempotencyClaim, IdempotencyRepository, StoreError, StoredAnswer};
use async_trait::async_trait;
use domain::value_objects::{IdempotencyKey, RequestDigest, TenantId, Timestamp};

use super::MemoryStore;

/// The idempotency keys.
#[derive(Debug, Clone, Default)]
pub(super) struct Claims {
    keys: BTreeMap<(TenantId, IdempotencyKey), ClaimedKey>,
    last_fence: i64,
}

#[derive(Debug, Clone)]
struct ClaimedKey {
    digest: RequestDigest,
    fence: i64,
    lease_ends_at: Timestamp,
    created_at: Timestamp,
    answer: Option<StoredAnswer>,
}

impl Claims {
    fn claim(
        &mut self,
        place: (TenantId, IdempotencyKey),
        digest: RequestDigest,
        now: Timestamp,
        lease: Duration,
    ) -> ClaimOutcome {
        match self.keys.get(&place) {
            Some(known) if known.digest != digest => return ClaimOutcome::Reused,
            Some(ClaimedKey { answer: Some(answer), .. }) => return ClaimOutcome::Answered(answer.clone()),
            Some(known) if now < known.lease_ends_at => return ClaimOutcome::InProgress,
            Some(_) | None => {}
        }
        self.last_fence += 1;
        let fence = self.last_fence;
        let claim = IdempotencyClaim { key: place.1.clone(), fence };
        let lease_ends_at = now.plus(lease);
        let claimed = ClaimedKey { digest, fence, lease_ends_at, created_at: now, answer: None };
        self.keys.insert(place, claimed);
        ClaimOutcome::Claimed(claim)
    }

    /// Stores the answer to the request of `claim`.
    pub(super) fn complete(
        &mut self,
        tenant: &TenantId,
        claim: &IdempotencyClaim,
        answer: &StoredAnswer,
    ) -> Result<(), StoreError> {
        let lost = || StoreError::Conflict { entity: "idempotency key", id: claim.key.to_string() };
        let held = self.keys.get_mut(&(tenant.clone(), claim.key.clone()));
        let held = held.filter(|held| held.fence == claim.fence && held.answer.is_none());
        held.ok_or_else(lost)?.answer = Some(answer.clone());
        Ok(())
    }

    /// Makes every key older by `age`.
    pub(super) fn age(&mut self, age: Duration) {
        for key in self.keys.values_mut() {
            key.created_at = key.created_at.minus(age);
            key.lease_ends_at = key.lease_ends_at.minus(age);
        }
    }

    /// Removes at most `limit` keys of `tenant`; returns how many.
    pub(super) fn erase(&mut self, tenant: &TenantId, limit: usize) -> usize {
        self.remove(limit, |(owner, _), _| owner == tenant)
    }

    fn remove(
        &mut self,
        limit: usize,
        goes: impl Fn(&(TenantId, IdempotencyKey), &ClaimedKey) -> bool,
    ) -> usize {
        let places = self.keys.iter().filter(|(place, key)| goes(place, key)).take(limit);
        let places: Vec<_> = places.map(|(place, _)| place.clone()).collect();
        for place in &places {
            self.keys.remove(place);
        }
        places.len()
    }
}

#[async_trait]
impl IdempotencyRepository for MemoryStore {
    async fn claim(
        &self,
        tenant: &TenantId,
        key: &IdempotencyKey,
        digest: &RequestDigest,
        lease: Duration,
    ) -> Result<ClaimOutcome, StoreError> {
        let mut state = self.working()?;
        Ok(state.claims.claim((tenant.clone(), key.clone()), *digest, self.clock.now(), lease))
    }

    async fn release(&self, tenant: &TenantId, claim: &IdempotencyClaim) -> Result<(), StoreError> {
        let mut state = self.working()?;
        let place = (tenant.clone(), claim.key.clone());
        let held = state.claims.keys.get(&place);
        if held.is_some_and(|held| held.fence == claim.fence && held.answer.is_none()) {
            state.claims.keys.remove(&place);
        }
        Ok(())
    }

    async fn purge(&self, age: Duration, limit: u32) -> Result<u64, StoreError> {
        let mut state = self.working()?;
        let now = self.clock.now();
        let purged = state.claims.remove(limit as usize, |_, key| key.created_at.plus(age) <= now);
        Ok(purged as u64)
    }
}
