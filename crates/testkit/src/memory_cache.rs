use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use application::ports::{CacheGateway, CacheKey, CachedOutput};
use async_trait::async_trait;
use domain::value_objects::TenantId;

/// A cache that keeps everything until it is told to forget.
#[derive(Debug, Default)]
pub struct MemoryCache(Mutex<HashMap<(TenantId, CacheKey), CachedOutput>>);

impl MemoryCache {
    /// Nothing kept yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is kept, in no order.
    pub fn entries(&self) -> Vec<(TenantId, CacheKey, CachedOutput)> {
        let entry = |((tenant, key), output): (&(TenantId, CacheKey), &CachedOutput)| {
            (tenant.clone(), key.clone(), output.clone())
        };
        self.outputs().iter().map(entry).collect()
    }

    /// Lets go of everything, as if its time had passed.
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
        let mut kept = self.outputs();
        kept.extend(outputs.into_iter().map(|(key, output)| ((tenant.clone(), key), output)));
    }
}
