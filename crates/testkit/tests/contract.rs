//! The in-memory store and cache pass the contracts of the adapters.

use std::sync::Arc;

use application::ports::{
    AnalyticsReadModel, ApiKeyRepository, AuditReadModel, EventFeedRepository, IdempotencyRepository,
    LeaseRepository, OutboxRepository, PredictionReadModel, RollupRepository, SinkRepository,
    TenantRepository, TrendReadModel, UsageReadModel, UsageRepository, WriteStore,
};
use async_trait::async_trait;
use domain::value_objects::{PredictionId, Rollup, RollupKey, TenantId};
use store_contract::chain::TestSealer;
use store_contract::{Replica, StoreHarness, store_contract};
use testkit::{MemoryCache, MemoryStore, cache_contract};

struct MemoryHarness(MemoryStore);

#[async_trait]
impl StoreHarness for MemoryHarness {
    async fn start() -> Self {
        Self(MemoryStore::with_sealer(Arc::new(TestSealer)))
    }

    fn writes(&self) -> Arc<dyn WriteStore> {
        Arc::new(self.0.clone())
    }

    fn predictions(&self) -> Arc<dyn PredictionReadModel> {
        Arc::new(self.0.clone())
    }

    fn analytics(&self) -> Arc<dyn AnalyticsReadModel> {
        Arc::new(self.0.clone())
    }

    fn outbox(&self) -> Arc<dyn OutboxRepository> {
        Arc::new(self.0.clone())
    }

    fn event_feed(&self) -> Arc<dyn EventFeedRepository> {
        Arc::new(self.0.clone())
    }

    fn sinks(&self) -> Arc<dyn SinkRepository> {
        Arc::new(self.0.clone())
    }

    fn rollups(&self) -> Arc<dyn RollupRepository> {
        Arc::new(self.0.clone())
    }

    fn trends(&self) -> Arc<dyn TrendReadModel> {
        Arc::new(self.0.clone())
    }

    async fn all_rollups(&self) -> Vec<(RollupKey, Rollup)> {
        self.0.rollups()
    }

    fn leases(&self) -> Arc<dyn LeaseRepository> {
        Arc::new(self.0.clone())
    }

    fn keys(&self) -> Arc<dyn ApiKeyRepository> {
        Arc::new(self.0.clone())
    }

    fn tenants(&self) -> Arc<dyn TenantRepository> {
        Arc::new(self.0.clone())
    }

    fn audit(&self) -> Arc<dyn AuditReadModel> {
        Arc::new(self.0.clone())
    }

    fn idempotency(&self) -> Arc<dyn IdempotencyRepository> {
        Arc::new(self.0.clone())
    }

    fn usage(&self) -> Arc<dyn UsageReadModel> {
        Arc::new(self.0.clone())
    }

    fn usage_purge(&self) -> Arc<dyn UsageRepository> {
        Arc::new(self.0.clone())
    }

    async fn replica(&self) -> Replica {
        Replica { writes: self.writes(), idempotency: self.idempotency(), usage: self.usage() }
    }

    async fn spoil(&self, id: PredictionId) {
        self.0.corrupt(&TenantId::default(), id);
    }

    async fn age_rows(&self, days: u32) {
        self.0.age_rows(days);
    }
}

store_contract!(MemoryHarness, without schema);

#[tokio::test]
async fn the_memory_cache_passes_the_cache_contract() {
    cache_contract(&MemoryCache::new()).await;
}
