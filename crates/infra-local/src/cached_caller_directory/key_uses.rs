use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use application::action::chain;
use application::ports::ApiKeyRepository;
use domain::value_objects::{KeyId, Timestamp};
use tokio::time::Instant;

/// When keys were last used, until that is stored.
#[derive(Default)]
pub(super) struct KeyUses {
    uses: Mutex<HashMap<KeyId, Use>>,
    /// Whether the last flush failed.
    failing: AtomicBool,
}

struct Use {
    last: Timestamp,
    /// The use that was stored, and when it was.
    stored: Option<(Timestamp, Instant)>,
}

/// The most keys whose uses are collected. The uses of further keys are not stored.
const MAX_KEYS: usize = 10_000;
/// How often the use of a key is stored.
const EVERY: Duration = Duration::from_mins(1);

impl KeyUses {
    /// Notes that the key was used at `at`.
    pub(super) fn note(&self, id: &KeyId, at: Timestamp) {
        let mut uses = self.uses();
        if let Some(noted) = uses.get_mut(id) {
            noted.last = noted.last.max(at);
        } else if uses.len() < MAX_KEYS {
            uses.insert(id.clone(), Use { last: at, stored: None });
        }
    }

    /// Stores the uses that are due in `keys`, until one fails.
    pub(super) async fn flush(&self, keys: &dyn ApiKeyRepository) {
        for (id, at) in self.due() {
            if let Err(error) = keys.record_use(&id, at).await {
                let error = chain(&error);
                if self.failing.swap(true, Ordering::Relaxed) {
                    tracing::debug!(error, "the last uses of keys are still not stored");
                } else {
                    tracing::warn!(error, "the last uses of keys are not stored; trying again later");
                }
                return;
            }
            if let Some(noted) = self.uses().get_mut(&id) {
                noted.stored = Some((at, Instant::now()));
            }
        }
        self.failing.store(false, Ordering::Relaxed);
    }

    /// Returns the uses that are to be stored now, and removes those that are stored and were not followed by others.
    fn due(&self) -> Vec<(KeyId, Timestamp)> {
        let mut uses = self.uses();
        let is_recent = |noted: &Use| noted.stored.is_some_and(|(_, when)| when.elapsed() < EVERY);
        let is_stored = |noted: &Use| noted.stored.is_some_and(|(at, _)| at >= noted.last);
        uses.retain(|_, noted| is_recent(noted) || !is_stored(noted));
        let due = uses.iter().filter(|(_, noted)| !is_recent(noted));
        due.map(|(id, noted)| (id.clone(), noted.last)).collect()
    }

    fn uses(&self) -> MutexGuard<'_, HashMap<KeyId, Use>> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
