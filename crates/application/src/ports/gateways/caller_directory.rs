use std::sync::Arc;

use async_trait::async_trait;
use domain::entities::Tenant;
use domain::value_objects::{KeyId, TenantId, Timestamp};

use crate::ports::{KeyRecord, SentKey, StoreError};

/// Keys and tenants for authentication, cached for a short time.
///
/// Except where a method says otherwise, implementations must return nothing that is older than 4 s, counted from
/// before the store was read, so that a revocation takes effect on every replica within 5 s; must serve a cached entry
/// up to that age while the store is down; must cache unknown keys for as long, without displacing known ones; and must
/// bound the number of concurrent reads of the store that calls wait for.
#[async_trait]
pub trait CallerDirectory: Send + Sync {
    /// Returns whether this id was accepted with this hash within the last hour. Implementations must compare hashes in
    /// constant time and use bounded memory. The key may have ended since.
    fn was_valid(&self, sent: &SentKey) -> bool;

    /// The key `id`.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    async fn key(&self, id: &KeyId) -> Result<Option<Arc<KeyRecord>>, StoreError>;

    /// The tenant `id`.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    async fn tenant(&self, id: &TenantId) -> Result<Option<Arc<Tenant>>, StoreError>;

    /// Returns the tenant `id` as it was last read, however long ago; none where it is not known. Implementations must
    /// read it again in the background, at most once a second, and may wait only for the first read, at most 100 ms.
    async fn known_tenant(&self, id: &TenantId) -> Option<Arc<Tenant>>;

    /// Notes that the key was accepted at `at`; stored later, at most once a minute.
    fn used(&self, sent: &SentKey, at: Timestamp);
}
