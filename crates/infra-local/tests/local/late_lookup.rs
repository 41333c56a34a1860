//! Between a look in vain and the reading that follows, another reading of the same text may end.

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

/// A cache whose first answer comes late: as it was when it was asked.
#[derive(Default)]
struct LateCache {
    cache: MemoryCache,
    asked: AtomicUsize,
    on_time: Notify,
}

#[async_trait]
impl CacheGateway for LateCache {
    async fn get_many(&self, tenant: &TenantId, keys: &[CacheKey]) -> Vec<Option<CachedOutput>> {
        let found = self.cache.get_many(tenant, keys).await;
        if self.asked.fetch_add(1, Ordering::SeqCst) == 0 {
            self.on_time.notified().await;
        }
        found
    }

    async fn put_many(&self, tenant: &TenantId, outputs: Vec<(CacheKey, CachedOutput)>) {
        self.cache.put_many(tenant, outputs).await;
    }
}

#[tokio::test]
async fn what_was_read_since_the_look_is_not_read_again() {
    let (model, cache) = (Arc::new(FakeMlGateway::new()), Arc::new(LateCache::default()));
    let gateway = CachedMlGateway::new(model.clone(), cache.clone());
    let (tenant, good) = (TenantId::default(), text("good"));
    let plain = ReadOptions::default();
    let mut slow = Box::pin(gateway.classify_one(&tenant, &good, plain));
    assert!((&mut slow).now_or_never().is_none());
    assert!(!gateway.classify_one(&tenant, &good, plain).await.unwrap().cached);
    cache.on_time.notify_one();
    assert!(slow.await.unwrap().cached);
    assert_eq!(model.calls().len(), 1);
}
