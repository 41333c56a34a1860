//! Between a cache miss and the computation that follows, another computation of the same text may end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use application::ports::{CacheGateway, CacheKey, CachedOutput};
use async_trait::async_trait;
use domain::value_objects::{ReadOptions, TenantId};
use futures_util::FutureExt;
use infra_local::CachedMlGateway;
use testkit::{ClassifyOne, FakeMlGateway, MemoryCache};
use tokio::sync::Notify;

use crate::gate::text;

/// A cache whose first lookup returns late, with the entries of the time when it began.
#[derive(Default)]
struct LateCache {
    cache: MemoryCache,
    lookups: AtomicUsize,
    release: Notify,
}

#[async_trait]
impl CacheGateway for LateCache {
    async fn get_many(&self, tenant: &TenantId, keys: &[CacheKey]) -> Vec<Option<CachedOutput>> {
        let found = self.cache.get_many(tenant, keys).await;
        if self.lookups.fetch_add(1, Ordering::SeqCst) == 0 {
            self.release.notified().await;
        }
        found
    }

    async fn put_many(&self, tenant: &TenantId, outputs: Vec<(CacheKey, CachedOutput)>) {
        self.cache.put_many(tenant, outputs).await;
    }
}

#[tokio::test]
async fn a_text_computed_since_the_lookup_is_not_computed_again() {
    let (model, cache) = (Arc::new(FakeMlGateway::new()), Arc::new(LateCache::default()));
    let gateway = CachedMlGateway::new(model.clone(), cache.clone());
    let (tenant, good) = (TenantId::default(), text("good"));
    let plain = ReadOptions::default();
    let mut slow = Box::pin(gateway.classify_one(&tenant, &good, plain));
    assert!((&mut slow).now_or_never().is_none());
    assert!(!gateway.classify_one(&tenant, &good, plain).await.unwrap().cached);
    cache.release.notify_one();
    assert!(slow.await.unwrap().cached);
    assert_eq!(model.calls().len(), 1);
}
