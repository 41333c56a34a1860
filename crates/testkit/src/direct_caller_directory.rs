use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use application::ports::{
    ApiKeyRepository, CallerDirectory, KeyRecord, SentKey, StoreError, TenantRepository,
};
use async_trait::async_trait;
use domain::entities::Tenant;
use domain::value_objects::{KeyId, SecretHash, TenantId, Timestamp};
use tokio::task::yield_now;

use crate::MemoryStore;

/// Reads keys and tenants from a store each time; a known tenant is that of the last read that succeeded. A key that
/// was accepted once was valid for good.
#[derive(Debug)]
pub struct DirectCallerDirectory {
    store: MemoryStore,
    used: Mutex<Vec<(KeyId, Timestamp)>>,
    accepted: Mutex<HashMap<KeyId, SecretHash>>,
    known: Mutex<HashMap<TenantId, Arc<Tenant>>>,
}

impl DirectCallerDirectory {
    /// A directory of `store`.
    pub fn of(store: &MemoryStore) -> Self {
        let (used, accepted, known) = Default::default();
        Self { store: store.clone(), used, accepted, known }
    }

    /// The uses of keys, in their order.
    pub fn used_keys(&self) -> Vec<(KeyId, Timestamp)> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl CallerDirectory for DirectCallerDirectory {
    fn was_valid(&self, sent: &SentKey) -> bool {
        let accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        accepted.get(&sent.id) == Some(&sent.hash)
    }

    async fn key(&self, id: &KeyId) -> Result<Option<Arc<KeyRecord>>, StoreError> {
        // Other requests continue meanwhile, as with a store outside the process.
        yield_now().await;
        Ok(ApiKeyRepository::find(&self.store, id).await?.map(Arc::new))
    }

    async fn tenant(&self, id: &TenantId) -> Result<Option<Arc<Tenant>>, StoreError> {
        Ok(TenantRepository::find(&self.store, id).await?.map(Arc::new))
    }

    async fn known_tenant(&self, id: &TenantId) -> Option<Arc<Tenant>> {
        let read = self.tenant(id).await;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(Some(tenant)) => drop(known.insert(id.clone(), tenant)),
            Ok(None) => drop(known.remove(id)),
            Err(_) => {}
        }
        known.get(id).cloned()
    }

    fn used(&self, sent: &SentKey, at: Timestamp) {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).push((sent.id.clone(), at));
        let mut accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        accepted.insert(sent.id.clone(), sent.hash);
    }
}
