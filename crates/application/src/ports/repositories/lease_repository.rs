use std::time::Duration;

use async_trait::async_trait;

use crate::ports::StoreError;

/// The right to a task that only one process may do at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The task.
    pub name: String,
    /// The process that holds it.
    pub holder: String,
    /// Grows by one with every change of holder: a lower one belongs to a lost lease.
    pub fence: i64,
}

/// Grants leases.
///
/// Times are those of the store's own clock: replicas whose clocks differ must agree on when a lease ends.
///
/// Implementations must grant a free or expired lease to exactly one of several callers
/// (`one_of_two_relays_holds_the_lease`), must renew it for its holder without changing its fence
/// (`a_holder_renews_its_lease`), must refuse it to others until it expires, and must grant it to another once it has
/// expired (`a_dead_relays_lease_is_granted_to_another`) or was released (`a_released_lease_is_free_at_once`). A
/// lease that ends later than twice the requested `ttl` must count as expired: only a clock that was ahead can have
/// granted it (`a_lease_that_ends_too_far_ahead_has_expired`).
#[async_trait]
pub trait LeaseRepository: Send + Sync {
    /// Acquires or renews the lease `name` for `ttl` from now; none where another holder has it. All callers must use
    /// the same `ttl` for one name.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn acquire(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<Lease>, StoreError>;

    /// Releases the lease; does nothing where it was lost already.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn release(&self, lease: &Lease) -> Result<(), StoreError>;
}
