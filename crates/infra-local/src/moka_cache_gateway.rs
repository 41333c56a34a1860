use std::mem::size_of;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use application::ports::{CacheGateway, CacheKey, CachedOutput};
use async_trait::async_trait;
use domain::value_objects::{TenantId, WindowOutput};
use metrics::gauge;
use moka::sync::Cache;

use crate::metric::{CACHE_BYTES, CACHE_ENTRIES, CACHE_NAME, PREDICTION};

/// A cache in the process's memory, bounded by entries, bytes and age. Outputs that are requested often stay longest.
#[derive(Debug)]
pub struct MokaCacheGateway {
    outputs: Cache<(TenantId, CacheKey), Arc<Entry>>,
    bytes: Arc<AtomicU64>,
}

/// The limits of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheLimits {
    /// The largest number of outputs.
    pub entries: u64,
    /// The largest number of bytes, keys and overhead included.
    pub bytes: u64,
}

/// An output whose bytes are counted until it is dropped.
#[derive(Debug)]
struct Entry {
    output: CachedOutput,
    bytes: u64,
    counter: Arc<AtomicU64>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.counter.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl MokaCacheGateway {
    /// The largest number of windows of an output that is cached. A small `max_tokens` may cut a text into thousands of
    /// windows, whose output would evict hundreds of others.
    pub const MAX_WINDOWS: usize = 128;

    /// Makes an empty cache within `limits`. Each output expires after `time_to_live`.
    pub fn new(limits: CacheLimits, time_to_live: Duration) -> Self {
        // moka has one capacity. It bounds both the entries and the bytes, since each entry weighs at least its share
        // of the bytes.
        let min_weight = (limits.bytes / limits.entries.max(1)).clamp(1, u64::from(u32::MAX));
        let capacity = limits.bytes.min(limits.entries.saturating_mul(min_weight));
        let weigh = move |_: &(TenantId, CacheKey), entry: &Arc<Entry>| {
            u32::try_from(entry.bytes.max(min_weight)).unwrap_or(u32::MAX)
        };
        let outputs =
            Cache::builder().max_capacity(capacity).weigher(weigh).time_to_live(time_to_live).build();
        Self { outputs, bytes: Arc::default() }
    }

    /// Frees the expired outputs and publishes the gauges. An expired output is never returned, but its memory is only
    /// freed by this function or by a later `put_many`.
    pub fn run_maintenance(&self) {
        self.outputs.run_pending_tasks();
        gauge!(CACHE_ENTRIES, CACHE_NAME => PREDICTION).set(self.outputs.entry_count() as f64);
        gauge!(CACHE_BYTES, CACHE_NAME => PREDICTION).set(self.bytes.load(Ordering::Relaxed) as f64);
    }

    fn entry(&self, tenant: &TenantId, output: CachedOutput) -> Arc<Entry> {
        let bytes = bytes(tenant, &output);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        Arc::new(Entry { output, bytes, counter: Arc::clone(&self.bytes) })
    }
}

/// The overhead of moka and the allocator for each entry. With it an output of one window counts about 600 bytes, as
/// measured with 20,000 entries.
const OVERHEAD: usize = 384;

/// The overhead of the allocator for each vector.
const ALLOCATION: usize = 16;

fn bytes(tenant: &TenantId, output: &CachedOutput) -> u64 {
    let window =
        |window: &WindowOutput| size_of::<WindowOutput>() + size_of_val(&*window.logits) + ALLOCATION;
    let windows: usize = output.windows.iter().map(window).sum();
    let key = size_of::<(TenantId, CacheKey)>() + tenant.as_str().len();
    (OVERHEAD + key + size_of::<Entry>() + windows) as u64
}

#[async_trait]
impl CacheGateway for MokaCacheGateway {
    async fn get_many(&self, tenant: &TenantId, keys: &[CacheKey]) -> Vec<Option<CachedOutput>> {
        let mut found = Vec::with_capacity(keys.len());
        for key in keys {
            let entry = self.outputs.get(&(tenant.clone(), key.clone()));
            found.push(entry.map(|entry| entry.output.clone()));
        }
        found
    }

    async fn put_many(&self, tenant: &TenantId, outputs: Vec<(CacheKey, CachedOutput)>) {
        for (key, output) in outputs {
            let key = (tenant.clone(), key);
            if output.windows.len() > Self::MAX_WINDOWS {
                self.outputs.invalidate(&key);
            } else {
                self.outputs.insert(key, self.entry(tenant, output));
            }
        }
    }
}
