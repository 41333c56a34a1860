use std::time::Duration;

use application::ports::{CacheGateway, CacheKey, CachedOutput};
use async_trait::async_trait;
use domain::value_objects::TenantId;
use metrics::gauge;
use moka::future::Cache;

use crate::metric::{CACHE_ENTRIES, CACHE_NAME, PREDICTION};

/// Outputs in this process's memory: so many at most, each for a while. Where there are more, those stay that are
/// asked for often.
#[derive(Debug)]
pub struct MokaCacheGateway {
    outputs: Cache<(TenantId, CacheKey), CachedOutput>,
}

impl MokaCacheGateway {
    /// Nothing kept yet, of at most `max_entries` outputs for `time_to_live` each.
    pub fn new(max_entries: u64, time_to_live: Duration) -> Self {
        Self { outputs: Cache::builder().max_capacity(max_entries).time_to_live(time_to_live).build() }
    }

    /// Lets go of what has expired and counts the rest. An expired output is never given, but its memory stays in use
    /// until somebody puts another one, or until this is called.
    pub async fn keep_up(&self) {
        self.outputs.run_pending_tasks().await;
        gauge!(CACHE_ENTRIES, CACHE_NAME => PREDICTION).set(self.outputs.entry_count() as f64);
    }
}

#[async_trait]
impl CacheGateway for MokaCacheGateway {
    async fn get_many(&self, tenant: &TenantId, keys: &[CacheKey]) -> Vec<Option<CachedOutput>> {
        let mut found = Vec::with_capacity(keys.len());
        for key in keys {
            found.push(self.outputs.get(&(tenant.clone(), key.clone())).await);
        }
        found
    }

    async fn put_many(&self, tenant: &TenantId, outputs: Vec<(CacheKey, CachedOutput)>) {
        for (key, output) in outputs {
            self.outputs.insert((tenant.clone(), key), output).await;
        }
    }
}
