use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::errors::ApplicationError;
use crate::ports::{Clock, Lease, LeaseRepository};

/// The lease of the one replica that sequences events and moves the sinks, shared by the tasks of this replica.
pub struct Leadership {
    leases: Arc<dyn LeaseRepository>,
    clock: Arc<dyn Clock>,
    holder: String,
    held: Mutex<Option<Held>>,
}

struct Held {
    lease: Lease,
    /// Of the monotonic clock.
    renew_at: Instant,
}

/// The lease's name in the store; that of the release before, so that old and new replicas do not lead together.
const LEASE: &str = "outbox-relay";
/// The time to live of the lease.
const LEASE_TTL: Duration = Duration::from_secs(10);

impl Leadership {
    /// The leadership for the replica `holder`.
    pub fn new(leases: Arc<dyn LeaseRepository>, clock: Arc<dyn Clock>, holder: impl Into<String>) -> Self {
        Self { leases, clock, holder: holder.into(), held: Mutex::default() }
    }

    /// The lease: the one that is held, once a third of its time to live has passed renewed, or else acquired; none
    /// where another replica holds it. Tasks whose passes take long call this within them.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn lease(&self) -> Result<Option<Lease>, ApplicationError> {
        let now = self.clock.monotonic();
        let fresh = self.held().as_ref().filter(|held| now < held.renew_at).map(|held| held.lease.clone());
        if fresh.is_some() {
            return Ok(fresh);
        }
        // The store grants the lease after `now`: counting from `now` renews it early rather than late.
        let lease = self.leases.acquire(LEASE, &self.holder, LEASE_TTL).await?;
        let renew_at = now + LEASE_TTL / 3;
        *self.held() = lease.clone().map(|lease| Held { lease, renew_at });
        Ok(lease)
    }

    /// Forgets `lease`, which another replica has taken over, so that the next call asks the store.
    pub fn lost(&self, lease: &Lease) {
        let mut held = self.held();
        if held.as_ref().is_some_and(|held| held.lease == *lease) {
            *held = None;
        }
    }

    /// Releases the lease, if this replica holds it, so that another can take over at once.
    ///
    /// # Errors
    /// `Unavailable`; the lease then expires by itself.
    pub async fn step_down(&self) -> Result<(), ApplicationError> {
        let held = self.held().take();
        if let Some(held) = held {
            self.leases.release(&held.lease).await?;
        }
        Ok(())
    }

    fn held(&self) -> MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
