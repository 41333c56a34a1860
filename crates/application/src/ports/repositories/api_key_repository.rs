use async_trait::async_trait;
use domain::entities::{ApiKey, TenantStatus};
use domain::value_objects::{KeyId, Limits, TenantId, Timestamp};

use crate::ports::StoreError;

/// A key and the state of its tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// The key.
    pub key: ApiKey,
    /// The state of its tenant.
    pub tenant_status: TenantStatus,
    /// What the callers of its tenant may use together.
    pub tenant_limits: Limits,
}

/// Reads API keys; they are issued, ended and revoked by a [`UnitOfWork`](crate::ports::UnitOfWork).
///
/// Implementations must return a key as it was stored (`a_key_comes_back_as_it_was_issued`) and see every committed
/// change (`a_revoked_key_is_revoked_at_once`), must list the keys of the given tenant only
/// (`tenants_do_not_see_each_others_keys`), must ignore scopes that they do not know, which a newer release may have
/// written (`a_scope_of_a_newer_release_is_not_granted`), and must not move the last use of a key back
/// (`the_last_use_of_a_key_only_moves_forward`).
#[async_trait]
pub trait ApiKeyRepository: Send + Sync {
    /// The key `id` of any tenant, for authentication.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, StoreError>;

    /// All keys of `tenant`, the newest first.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    async fn list(&self, tenant: &TenantId) -> Result<Vec<ApiKey>, StoreError>;

    /// Stores that the key was used at `at`; does nothing where it is gone or a later use is stored.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn record_use(&self, id: &KeyId, at: Timestamp) -> Result<(), StoreError>;
}
