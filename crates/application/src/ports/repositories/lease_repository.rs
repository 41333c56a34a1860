use std::time::Duration;

use async_trait::async_trait;
use domain::value_objects::Timestamp;

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

/// Gives out leases.
///
/// Implementations must give a free or run-out lease to exactly one of those who ask
/// (`one_of_two_relays_holds_the_lease`), must renew it for its holder without changing its fence
/// (`a_holder_renews_its_lease`), must refuse it to others while it runs, and must give it to another once it
/// has run out (`a_dead_relays_lease_passes_on`) or was released (`a_released_lease_is_free_at_once`).
#[async_trait]
pub trait LeaseRepository: Send + Sync {
    /// Takes or renews the lease `name` until `now + ttl`; none where somebody else holds it.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn acquire(
        &self,
        name: &str,
        holder: &str,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Option<Lease>, StoreError>;

    /// Gives the lease back; nothing happens where it was lost already.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn release(&self, lease: &Lease) -> Result<(), StoreError>;
}
