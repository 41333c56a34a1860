use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The outcomes of the last writes, for the health check and the maintenance task.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    /// When a transaction that may add rows was last committed; none where one has failed since.
    inserted_at: Mutex<Option<Instant>>,
    deleted: AtomicBool,
}

impl Activity {
    /// Records that a transaction that may add rows was committed.
    pub(crate) fn inserted(&self) {
        self.set(Some(Instant::now()));
    }

    /// Records that a transaction that may add rows failed.
    pub(crate) fn failed(&self) {
        self.set(None);
    }

    /// Whether rows were added within `period`, and none were refused since.
    pub(crate) fn has_inserted_within(&self, period: Duration) -> bool {
        let inserted_at = *self.inserted_at.lock().unwrap_or_else(PoisonError::into_inner);
        inserted_at.is_some_and(|instant| instant.elapsed() < period)
    }

    /// Records that a transaction that deletes predictions was committed.
    pub(crate) fn deleted(&self) {
        self.deleted.store(true, Ordering::Release);
    }

    /// Whether predictions were deleted since the last call.
    pub(crate) fn take_deleted(&self) -> bool {
        self.deleted.swap(false, Ordering::AcqRel)
    }

    fn set(&self, inserted_at: Option<Instant>) {
        *self.inserted_at.lock().unwrap_or_else(PoisonError::into_inner) = inserted_at;
    }
}
