mod accepted_keys;
mod key_uses;
mod lookups;

use std::sync::Arc;

use application::ports::{
    ApiKeyRepository, CallerDirectory, KeyRecord, SentKey, StoreError, TenantRepository,
};
use async_trait::async_trait;
use domain::entities::Tenant;
use domain::value_objects::{KeyId, TenantId, Timestamp};

use crate::cached_caller_directory::accepted_keys::AcceptedKeys;
use crate::cached_caller_directory::key_uses::KeyUses;
use crate::cached_caller_directory::lookups::Lookups;

/// Reads keys and tenants from the store, each at most once a second while it is used, and collects when keys are used.
pub struct CachedCallerDirectory {
    keys: Arc<Lookups<KeyId, Arc<KeyRecord>>>,
    tenants: Arc<Lookups<TenantId, Arc<Tenant>>>,
    accepted: AcceptedKeys,
    uses: KeyUses,
    repository: Arc<dyn ApiKeyRepository>,
}

impl CachedCallerDirectory {
    /// Makes a directory that has read nothing yet.
    pub fn new(keys: Arc<dyn ApiKeyRepository>, tenants: Arc<dyn TenantRepository>) -> Self {
        let repository = Arc::clone(&keys);
        let read_key = move |id: KeyId| {
            let keys = Arc::clone(&keys);
            async move { Ok(keys.find(&id).await?.map(Arc::new)) }
        };
        let read_tenant = move |id: TenantId| {
            let tenants = Arc::clone(&tenants);
            async move { Ok(tenants.find(&id).await?.map(Arc::new)) }
        };
        Self {
            keys: Lookups::new(read_key),
            tenants: Lookups::new(read_tenant),
            accepted: AcceptedKeys::default(),
            uses: KeyUses::default(),
            repository,
        }
    }

    /// Stores the last uses of keys, each at most once a minute. What cannot be stored now is stored by a later call.
    pub async fn flush(&self) {
        self.uses.flush(self.repository.as_ref()).await;
    }
}

#[async_trait]
impl CallerDirectory for CachedCallerDirectory {
    fn was_valid(&self, sent: &SentKey) -> bool {
        self.accepted.contains(sent)
    }

    async fn key(&self, id: &KeyId) -> Result<Option<Arc<KeyRecord>>, StoreError> {
        self.keys.get(id).await
    }

    async fn tenant(&self, id: &TenantId) -> Result<Option<Arc<Tenant>>, StoreError> {
        self.tenants.get(id).await
    }

    async fn known_tenant(&self, id: &TenantId) -> Option<Arc<Tenant>> {
        self.tenants.get_known(id).await
    }

    fn used(&self, sent: &SentKey, at: Timestamp) {
        self.accepted.add(sent);
        self.uses.note(&sent.id, at);
    }
}
