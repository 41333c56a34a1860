use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use application::ports::{CacheGateway, CacheKey, CachedOutput};
use async_trait::async_trait;
use domain::value_objects::TenantId;

/// A cache that holds everything until it is cleared.
#[derive(Debug, Default)]
pub struct MemoryCache(Mutex<HashMap<(TenantId, CacheKey), CachedOutput>>);

impl MemoryCache {
    /// Makes an empty cache.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the entries, in no particular order.
    pub fn entries(&self) -> Vec<(TenantId, CacheKey, CachedOutput)> {
        let entry = |((tenant, key), output): (&(TenantId, CacheKey), &CachedOutput)| {
            (tenant.clone(), key.clone(), output.clone())
        };
        self.outputs().iter().map(entry).collect()
    }

    /// Removes all entries, as if they had expired.
    pub fn clear(&self) {
        self.outputs().clear();
    }

    fn outputs(&self) -> MutexGuard<'_, HashMap<(TenantId, CacheKey), CachedOutput>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl CacheGateway for MemoryCache {
    async fn get_many(&self, tenant: &TenantId, keys: &[CacheKey]) -> Vec<Option<CachedOutput>> {
        let outputs = self.outputs();
        keys.iter().map(|key| outputs.get(&(tenant.clone(), key.clone())).cloned()).collect()
    }

    async fn put_many(&self, tenant: &TenantId, outputs: Vec<(CacheKey, CachedOutput)>) {
        let entries = outputs.into_iter().map(|(key, output)| ((tenant.clone(), key), output));
        self.outputs().extend(entries);
    }
}
