use serde::{Deserialize, Serialize};

use crate::config::Seconds;

/// What is kept of the model's work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CacheSettings {
    pub(crate) enabled: bool,
    pub(crate) max_entries: u64,
    pub(crate) max_bytes: u64,
    pub(crate) ttl: Seconds,
}

/// The most entries that can be allowed.
const MOST_ENTRIES: u64 = 10_000_000;

/// The fewest bytes: some fifty entries. The most are 64 GiB.
const LEAST_BYTES: u64 = 64 * 1_024;
const MOST_BYTES: u64 = 64 << 30;

impl Default for CacheSettings {
    fn default() -> Self {
        Self { enabled: true, max_entries: 20_000, max_bytes: 32 << 20, ttl: Seconds(300.0) }
    }
}

impl CacheSettings {
    pub(super) fn validate(&self) -> Result<(), String> {
        self.ttl.validate("cache.ttl", 1.0)?;
        if !(1..=MOST_ENTRIES).contains(&self.max_entries) {
            let given = self.max_entries;
            return Err(format!("cache.max_entries must be from 1 to {MOST_ENTRIES}, not {given}"));
        }
        if !(LEAST_BYTES..=MOST_BYTES).contains(&self.max_bytes) {
            let given = self.max_bytes;
            return Err(format!("cache.max_bytes must be from {LEAST_BYTES} to {MOST_BYTES}, not {given}"));
        }
        Ok(())
    }
}
