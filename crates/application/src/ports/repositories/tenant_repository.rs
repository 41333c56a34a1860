use async_trait::async_trait;
use domain::entities::Tenant;
use domain::value_objects::TenantId;

use crate::ports::StoreError;

/// Reads tenants, and removes the rows of one; tenants are added and changed by a
/// [`UnitOfWork`](crate::ports::UnitOfWork).
///
/// Implementations must know the tenant `default` from the migration on (`the_default_tenant_exists`), must see every
/// committed change (`a_changed_tenant_is_seen_at_once`), and must remove the rows of the given tenant only, of one
/// table at a time, until none is left (`erasing_a_tenant_removes_its_rows_and_no_others`).
#[async_trait]
pub trait TenantRepository: Send + Sync {
    /// The tenant `id`.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    async fn find(&self, id: &TenantId) -> Result<Option<Tenant>, StoreError>;

    /// All tenants, by name.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    async fn list(&self) -> Result<Vec<Tenant>, StoreError>;

    /// Removes at most `limit` rows of `tenant`, of the first of these that still has any: predictions with their
    /// search terms, events of the outbox, idempotency keys, counts of texts, API keys. So a slow search for events
    /// delays no removal of predictions. Returns how many rows were removed; 0 where none is left. The tenant's own
    /// row and its lines of the audit stay.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn erase_rows(&self, tenant: &TenantId, limit: u32) -> Result<u64, StoreError>;
}
