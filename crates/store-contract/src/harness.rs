use std::sync::Arc;

use application::ports::{
    AnalyticsReadModel, ApiKeyRepository, AuditReadModel, EventFeedRepository, IdempotencyRepository,
    LeaseRepository, OutboxRepository, PredictionReadModel, RollupRepository, SchemaMigrator, SinkRepository,
    TenantRepository, TrendReadModel, UsageReadModel, UsageRepository, WriteStore,
};
use async_trait::async_trait;
use domain::value_objects::{KeyId, PredictionId, Rollup, RollupKey};

/// One store under test.
#[async_trait]
pub trait StoreHarness: Send + Sync + Sized {
    /// A fresh, empty, migrated store that no other test uses, whose audit is sealed by
    /// [`TestSealer`](crate::chain::TestSealer). It is cleaned up on drop.
    async fn start() -> Self;

    /// The write side.
    fn writes(&self) -> Arc<dyn WriteStore>;

    /// The read side.
    fn predictions(&self) -> Arc<dyn PredictionReadModel>;

    /// What the analytics count.
    fn analytics(&self) -> Arc<dyn AnalyticsReadModel>;

    /// The outbox.
    fn outbox(&self) -> Arc<dyn OutboxRepository>;

    /// The feed of events.
    fn event_feed(&self) -> Arc<dyn EventFeedRepository>;

    /// The sinks of the feed.
    fn sinks(&self) -> Arc<dyn SinkRepository>;

    /// The rollups.
    fn rollups(&self) -> Arc<dyn RollupRepository>;

    /// The sums of rollups.
    fn trends(&self) -> Arc<dyn TrendReadModel>;

    /// Every rollup, in any order.
    async fn all_rollups(&self) -> Vec<(RollupKey, Rollup)>;

    /// The leases.
    fn leases(&self) -> Arc<dyn LeaseRepository>;

    /// The API keys.
    fn keys(&self) -> Arc<dyn ApiKeyRepository>;

    /// The tenants.
    fn tenants(&self) -> Arc<dyn TenantRepository>;

    /// The audit.
    fn audit(&self) -> Arc<dyn AuditReadModel>;

    /// The idempotency keys.
    fn idempotency(&self) -> Arc<dyn IdempotencyRepository>;

    /// The counts of texts.
    fn usage(&self) -> Arc<dyn UsageReadModel>;

    /// The removal of counts of texts.
    fn usage_purge(&self) -> Arc<dyn UsageRepository>;

    /// Another replica that shares the database; where a store has no replicas, the store itself.
    async fn replica(&self) -> Replica;

    /// Makes the default tenant's row `id` unreadable, like a newer release that has one more sentiment.
    async fn spoil(&self, id: PredictionId);

    /// Makes every count of texts and every idempotency key `days` days older, as if that time had passed: leases end.
    async fn age_rows(&self, days: u32);
}

/// The ports of a replica.
pub struct Replica {
    /// The write side.
    pub writes: Arc<dyn WriteStore>,
    /// The idempotency keys.
    pub idempotency: Arc<dyn IdempotencyRepository>,
    /// The counts of texts.
    pub usage: Arc<dyn UsageReadModel>,
}

/// One store under test that has a schema.
#[async_trait]
pub trait SchemaHarness: StoreHarness {
    /// The schema.
    fn migrator(&self) -> Arc<dyn SchemaMigrator>;

    /// Records the step `version`, named "a newer step", as applied, like a release that has one more step.
    async fn add_unknown_step(&self, version: i64);

    /// Stores `scopes` as those of the key, like a release that has more of them.
    async fn set_scopes(&self, key: &KeyId, scopes: &str);
}
