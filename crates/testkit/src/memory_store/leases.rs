use std::time::Duration;

use application::ports::{Lease, LeaseRepository, StoreError};
use async_trait::async_trait;

use super::{HeldLease, MemoryStore};

#[async_trait]
impl LeaseRepository for MemoryStore {
    async fn acquire(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<Lease>, StoreError> {
        let mut state = self.working()?;
        let now = self.clock.now();
        let held = state.leases.entry(name.to_owned()).or_insert(HeldLease {
            holder: None,
            fence: 0,
            expires_at: now,
        });
        if held.holder.as_deref() != Some(holder) {
            let runs = now < held.expires_at && held.expires_at <= now.plus(ttl * 2);
            if held.holder.is_some() && runs {
                return Ok(None);
            }
            held.holder = Some(holder.to_owned());
            held.fence += 1;
        }
        held.expires_at = now.plus(ttl);
        Ok(Some(Lease { name: name.to_owned(), holder: holder.to_owned(), fence: held.fence }))
    }

    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        let mut state = self.working()?;
        if let Some(held) = state.leases.get_mut(&lease.name).filter(|held| held.is(lease)) {
            held.holder = None;
        }
        Ok(())
    }
}

impl HeldLease {
    /// Whether `lease` is the one that is held now.
    pub(super) fn is(&self, lease: &Lease) -> bool {
        self.holder.as_ref() == Some(&lease.holder) && self.fence == lease.fence
    }
}
