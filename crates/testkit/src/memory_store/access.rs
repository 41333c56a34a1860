use std::cmp::Reverse;
use std::collections::BTreeMap;

use application::ports::{AccessChange, ApiKeyRepository, Clock, KeyRecord, StoreError, TenantRepository};
use async_trait::async_trait;
use domain::entities::{ApiKey, Tenant, TenantStatus};
use domain::value_objects::{KeyId, Limits, TenantId, Timestamp};

use super::MemoryStore;
use crate::FixedClock;

/// The tenants and the keys.
#[derive(Debug, Clone)]
pub(super) struct Access {
    tenants: BTreeMap<TenantId, Tenant>,
    keys: BTreeMap<KeyId, ApiKey>,
}

impl Default for Access {
    /// The tenant `default`, without keys.
    fn default() -> Self {
        let (id, created_at) = (TenantId::default(), FixedClock::default().now());
        let limits = Limits::default();
        let tenant = Tenant { id: id.clone(), status: TenantStatus::Active, limits, created_at };
        Self { tenants: BTreeMap::from([(id, tenant)]), keys: BTreeMap::new() }
    }
}

impl Access {
    /// Makes the change to the tenant, or to a key of the tenant.
    pub(super) fn apply(&mut self, tenant: &TenantId, change: &AccessChange) -> Result<(), StoreError> {
        match change {
            AccessChange::InsertTenant(new) => self.insert_tenant(new),
            AccessChange::SetTenantStatus { from, to } => self.set_status(tenant, *from, *to),
            AccessChange::SetTenantLimits(limits) => {
                let missing = || StoreError::NotFound { entity: "tenant", id: tenant.to_string() };
                self.tenants.get_mut(tenant).ok_or_else(missing)?.limits = *limits;
                Ok(())
            }
            AccessChange::InsertKey(key) => self.insert_key(tenant, key),
            AccessChange::RevokeKey { id, at } => {
                self.unrevoked(tenant, id)?.revoked_at = Some(*at);
                Ok(())
            }
            AccessChange::EndKey { id, at } => {
                let key = self.unrevoked(tenant, id)?;
                key.expires_at = Some(key.expires_at.map_or(*at, |end| end.min(*at)));
                Ok(())
            }
        }
    }

    /// Whether the rows of `tenant` were removed or are being removed.
    pub(super) fn is_erased(&self, tenant: &TenantId) -> bool {
        let status = self.tenants.get(tenant).map(|tenant| tenant.status);
        matches!(status, Some(TenantStatus::Erasing | TenantStatus::Erased))
    }

    fn insert_tenant(&mut self, new: &Tenant) -> Result<(), StoreError> {
        if self.tenants.contains_key(&new.id) {
            return Err(StoreError::Conflict { entity: "tenant", id: new.id.to_string() });
        }
        self.tenants.insert(new.id.clone(), new.clone());
        Ok(())
    }

    fn set_status(&mut self, id: &TenantId, from: TenantStatus, to: TenantStatus) -> Result<(), StoreError> {
        match self.tenants.get_mut(id) {
            None => Err(StoreError::NotFound { entity: "tenant", id: id.to_string() }),
            Some(tenant) if tenant.status != from => {
                Err(StoreError::Conflict { entity: "tenant", id: id.to_string() })
            }
            Some(tenant) => {
                tenant.status = to;
                Ok(())
            }
        }
    }

    fn insert_key(&mut self, tenant: &TenantId, key: &ApiKey) -> Result<(), StoreError> {
        if self.keys.contains_key(&key.id) {
            return Err(StoreError::Conflict { entity: "key", id: key.id.to_string() });
        }
        self.keys.insert(key.id.clone(), ApiKey { tenant: tenant.clone(), ..key.clone() });
        Ok(())
    }

    fn unrevoked(&mut self, tenant: &TenantId, id: &KeyId) -> Result<&mut ApiKey, StoreError> {
        let key = self.keys.get_mut(id).filter(|key| key.tenant == *tenant && key.revoked_at.is_none());
        key.ok_or_else(|| StoreError::NotFound { entity: "key", id: id.to_string() })
    }

    /// Removes at most `limit` keys of `tenant`; returns how many.
    fn erase_keys(&mut self, tenant: &TenantId, limit: usize) -> usize {
        let of_tenant = self.keys.values().filter(|key| key.tenant == *tenant);
        let erased: Vec<KeyId> = of_tenant.take(limit).map(|key| key.id.clone()).collect();
        self.keys.retain(|id, _| !erased.contains(id));
        erased.len()
    }
}

#[async_trait]
impl ApiKeyRepository for MemoryStore {
    async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, StoreError> {
        let mut state = self.working()?;
        state.reads += 1;
        let Some(key) = state.access.keys.get(id) else { return Ok(None) };
        let corrupt =
            || StoreError::Corrupt { table: "api_keys", column: "tenant_status", id: id.to_string() };
        let tenant = state.access.tenants.get(&key.tenant).ok_or_else(corrupt)?;
        Ok(Some(KeyRecord { key: key.clone(), tenant_status: tenant.status, tenant_limits: tenant.limits }))
    }

    async fn list(&self, tenant: &TenantId) -> Result<Vec<ApiKey>, StoreError> {
        let mut state = self.working()?;
        state.reads += 1;
        let of_tenant = state.access.keys.values().filter(|key| key.tenant == *tenant);
        let mut keys: Vec<ApiKey> = of_tenant.cloned().collect();
        keys.sort_by_key(|key| Reverse((key.created_at, key.id.clone())));
        Ok(keys)
    }

    async fn record_use(&self, id: &KeyId, at: Timestamp) -> Result<(), StoreError> {
        if let Some(key) = self.working()?.access.keys.get_mut(id) {
            key.last_used_at = Some(key.last_used_at.map_or(at, |last| last.max(at)));
        }
        Ok(())
    }
}

#[async_trait]
impl TenantRepository for MemoryStore {
    async fn find(&self, id: &TenantId) -> Result<Option<Tenant>, StoreError> {
        let mut state = self.working()?;
        state.reads += 1;
        Ok(state.access.tenants.get(id).cloned())
    }

    async fn list(&self) -> Result<Vec<Tenant>, StoreError> {
        let mut state = self.working()?;
        state.reads += 1;
        Ok(state.access.tenants.values().cloned().collect())
    }

    async fn erase_rows(&self, tenant: &TenantId, limit: u32) -> Result<u64, StoreError> {
        let mut state = self.working()?;
        let limit = limit as usize;
        if let Some(rows) = state.rows.get_mut(tenant).filter(|rows| !rows.is_empty()) {
            let ids: Vec<_> = rows.keys().take(limit).copied().collect();
            rows.retain(|id, _| !ids.contains(id));
            return Ok(ids.len() as u64);
        }
        let mut events = 0;
        state.outbox.retain(|outgoing| {
            let goes = outgoing.event.tenant == *tenant && events < limit;
            events += usize::from(goes);
            !goes
        });
        if events > 0 {
            return Ok(events as u64);
        }
        let rollups = state.rollups.erase(tenant, limit);
        if rollups > 0 {
            return Ok(rollups as u64);
        }
        let claims = state.claims.erase(tenant, limit);
        if claims > 0 {
            return Ok(claims as u64);
        }
        let counts = state.texts.erase(tenant, limit);
        let erased = if counts > 0 { counts } else { state.access.erase_keys(tenant, limit) };
        Ok(erased as u64)
    }
}
