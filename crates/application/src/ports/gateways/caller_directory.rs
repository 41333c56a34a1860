use std::sync::Arc;

use async_trait::async_trait;
use domain::entities::TenantStatus;
use domain::value_objects::{KeyId, TenantId, Timestamp};

use crate::ports::{KeyRecord, StoreError};

/// Keys and tenants for authentication, cached for a short time.
///
/// Implementations must return nothing that is older than 4 s, counted from before the store was read, so that a
/// revocation takes effect on every replica within 5 s; must serve a cached entry up to that age while the store is
/// down; and must remember unknown keys for as long, without displacing known ones.
#[async_trait]
pub trait CallerDirectory: Send + Sync {
    /// The key `id`, if it is cached as known.
    fn cached_key(&self, id: &KeyId) -> Option<Arc<KeyRecord>>;

    /// The key `id`.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    async fn key(&self, id: &KeyId) -> Result<Option<Arc<KeyRecord>>, StoreError>;

    /// The status of the tenant `id`.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    async fn tenant(&self, id: &TenantId) -> Result<Option<TenantStatus>, StoreError>;

    /// Notes that the key was used at `at`; stored later, at most once a minute.
    fn used(&self, id: &KeyId, at: Timestamp);
}
