use std::time::Duration;

use async_trait::async_trait;

use crate::ports::StoreError;

/// The right to do something that only one process may do at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What it is the right to do.
    pub name: String,
    /// Who holds it.
    pub holder: String,
    /// Grows by one with every change of holder: who comes with an older one has lost the lease.
    pub fence: i64,
}

/// Grants leases.
///
/// Time is the store's own clock, never that of a caller: replicas whose clocks differ must agree on when a lease ends.
///
/// Implementations must grant a free or expired lease to exactly one of those who ask
/// (`one_of_two_relays_holds_the_lease`), must renew it for its holder without changing its fence
/// (`a_holder_renews_its_lease`), must refuse it to others while it runs, and must grant it to another once it
/// has expired (`a_dead_relays_lease_passes_on`) or was released (`a_released_lease_is_free_at_once`). A lease that ends
/// later than twice the `ttl` that is asked for must count as expired: only a clock that was ahead can have granted it
/// (`a_lease_that_ends_too_far_ahead_has_expired`).
#[async_trait]
pub trait LeaseRepository: Send + Sync {
    /// Takes or renews the lease `name` for `ttl` from now; none where somebody else holds it. All who ask for one name ask
    /// for the same `ttl`.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn acquire(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<Lease>, StoreError>;

    /// Releases the lease; nothing happens where it was lost already.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn release(&self, lease: &Lease) -> Result<(), StoreError>;
}
