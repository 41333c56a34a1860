use std::time::Duration;

use application::ports::SentKey;
use domain::value_objects::{KeyId, SecretHash};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use subtle::ConstantTimeEq;
use tokio::time::Instant;

/// The keys that were accepted within the last hour.
pub(super) struct AcceptedKeys {
    /// The hash of each, and when it was accepted, to a minute.
    keys: Cache<KeyId, (SecretHash, Instant)>,
}

/// How long a key counts as accepted.
const MAX_AGE: Duration = Duration::from_hours(1);
/// How often the time of a key that is accepted again is updated.
const UPDATE_AFTER: Duration = Duration::from_mins(1);
/// The most keys; the one unused for longest is evicted first.
const MAX_KEYS: u64 = 10_000;

impl Default for AcceptedKeys {
    fn default() -> Self {
        let lru = EvictionPolicy::lru();
        // Ages are checked on use; here they only free memory.
        let keys = Cache::builder().max_capacity(MAX_KEYS).eviction_policy(lru).time_to_live(MAX_AGE).build();
        Self { keys }
    }
}

impl AcceptedKeys {
    /// Returns whether the key was accepted with this hash.
    pub(super) fn contains(&self, sent: &SentKey) -> bool {
        self.is_younger(sent, MAX_AGE)
    }

    /// Adds a key that is accepted now.
    pub(super) fn add(&self, sent: &SentKey) {
        if !self.is_younger(sent, UPDATE_AFTER) {
            self.keys.insert(sent.id.clone(), (sent.hash, Instant::now()));
        }
    }

    fn is_younger(&self, sent: &SentKey, age: Duration) -> bool {
        self.keys.get(&sent.id).is_some_and(|(hash, accepted_at)| {
            accepted_at.elapsed() < age && bool::from(hash.as_bytes().ct_eq(sent.hash.as_bytes()))
        })
    }
}
