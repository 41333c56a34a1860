use std::sync::{Arc, Mutex, PoisonError};

use application::ports::{ApiKeyRepository, CallerDirectory, KeyRecord, StoreError, TenantRepository};
use async_trait::async_trait;
use domain::entities::TenantStatus;
use domain::value_objects::{KeyId, TenantId, Timestamp};
use futures_util::FutureExt;

use crate::MemoryStore;

/// Reads keys and tenants from a store each time.
#[derive(Debug)]
pub struct DirectCallerDirectory {
    store: MemoryStore,
    used: Mutex<Vec<(KeyId, Timestamp)>>,
}

impl DirectCallerDirectory {
    /// A directory of `store`.
    pub fn of(store: &MemoryStore) -> Self {
        Self { store: store.clone(), used: Mutex::default() }
    }

    /// The uses of keys, in their order.
    pub fn used_keys(&self) -> Vec<(KeyId, Timestamp)> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl CallerDirectory for DirectCallerDirectory {
    fn cached_key(&self, id: &KeyId) -> Option<Arc<KeyRecord>> {
        // The store in memory answers at once.
        self.key(id).now_or_never()?.ok()?
    }

    async fn key(&self, id: &KeyId) -> Result<Option<Arc<KeyRecord>>, StoreError> {
        Ok(ApiKeyRepository::find(&self.store, id).await?.map(Arc::new))
    }

    async fn tenant(&self, id: &TenantId) -> Result<Option<TenantStatus>, StoreError> {
        Ok(TenantRepository::find(&self.store, id).await?.map(|tenant| tenant.status))
    }

    fn used(&self, id: &KeyId, at: Timestamp) {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).push((id.clone(), at));
    }
}
