use std::mem::size_of;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use application::ports::{CacheGateway, CacheKey, CachedOutput};
use async_trait::async_trait;
use domain::value_objects::{TenantId, WindowOutput};
use metrics::gauge;
use moka::future::Cache;

use crate::metric::{CACHE_BYTES, CACHE_ENTRIES, CACHE_NAME, PREDICTION};

/// Outputs in this process's memory: at most so many and so many bytes, each for a while. Where there are more, those
/// stay that are asked for often.
#[derive(Debug)]
pub struct MokaCacheGateway {
    outputs: Cache<(TenantId, CacheKey), Arc<Entry>>,
    bytes: Arc<AtomicU64>,
}

/// The most that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheLimits {
    /// Outputs.
    pub entries: u64,
    /// Bytes of outputs, their keys and what it takes to find them.
    pub bytes: u64,
}

/// An output, and its bytes, which are counted until it is dropped.
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
    /// The most windows of an output that is kept. A text of more, which a small `max_tokens` may have cut into
    /// thousands, would push out hundreds of others.
    pub const MAX_WINDOWS: usize = 128;

    /// Nothing kept yet, of at most `limits` for `time_to_live` each.
    pub fn new(limits: CacheLimits, time_to_live: Duration) -> Self {
        // moka has one capacity. So that it bounds the entries as well as the bytes, each entry weighs at least its
        // share of the bytes.
        let least = (limits.bytes / limits.entries.max(1)).clamp(1, u64::from(u32::MAX));
        let capacity = limits.bytes.min(limits.entries.saturating_mul(least));
        let weigh = move |_: &(TenantId, CacheKey), entry: &Arc<Entry>| {
            u32::try_from(entry.bytes.max(least)).unwrap_or(u32::MAX)
        };
        let outputs =
            Cache::builder().max_capacity(capacity).weigher(weigh).time_to_live(time_to_live).build();
        Self { outputs, bytes: Arc::default() }
    }

    /// Lets go of what has expired and counts the rest. An expired output is never given, but its memory stays in use
    /// until somebody puts another one, or until this is called.
    pub async fn run_maintenance(&self) {
        self.outputs.run_pending_tasks().await;
        gauge!(CACHE_ENTRIES, CACHE_NAME => PREDICTION).set(self.outputs.entry_count() as f64);
        gauge!(CACHE_BYTES, CACHE_NAME => PREDICTION).set(self.bytes.load(Ordering::Relaxed) as f64);
    }

    fn entry(&self, tenant: &TenantId, output: CachedOutput) -> Arc<Entry> {
        let bytes = bytes(tenant, &output);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        Arc::new(Entry { output, bytes, counter: Arc::clone(&self.bytes) })
    }
}

/// What moka and the allocator need for each entry beside its own bytes: with it an output of one window counts some 600
/// bytes, which is what each of 20,000 takes.
const OVERHEAD: usize = 384;

/// What the allocator needs for each vector.
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
            let entry = self.outputs.get(&(tenant.clone(), key.clone())).await;
            found.push(entry.map(|entry| entry.output.clone()));
        }
        found
    }

    async fn put_many(&self, tenant: &TenantId, outputs: Vec<(CacheKey, CachedOutput)>) {
        for (key, output) in outputs {
            let place = (tenant.clone(), key);
            if output.windows.len() > Self::MAX_WINDOWS {
                self.outputs.invalidate(&place).await;
            } else {
                self.outputs.insert(place, self.entry(tenant, output)).await;
            }
        }
    }
}
