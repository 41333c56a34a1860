use std::sync::Arc;

use application::ports::{
    LeaseRepository, OutboxRelayRepository, PredictionReadModel, SchemaMigrator, WriteStore,
};
use async_trait::async_trait;
use domain::value_objects::PredictionId;

/// One store under test.
#[async_trait]
pub trait StoreHarness: Send + Sync + Sized {
    /// A fresh, empty, migrated store that no other test uses. It is cleaned up on drop.
    async fn start() -> Self;

    /// The write side.
    fn writes(&self) -> Arc<dyn WriteStore>;

    /// The read side.
    fn predictions(&self) -> Arc<dyn PredictionReadModel>;

    /// The outbox, for the relay.
    fn outbox(&self) -> Arc<dyn OutboxRelayRepository>;

    /// The leases.
    fn leases(&self) -> Arc<dyn LeaseRepository>;

    /// Makes the default tenant's row `id` unreadable, like a newer release that has one more sentiment.
    async fn spoil(&self, id: PredictionId);
}

/// One store under test that has a schema.
#[async_trait]
pub trait SchemaHarness: StoreHarness {
    /// The schema.
    fn migrator(&self) -> Arc<dyn SchemaMigrator>;

    /// Records the step `version`, named "a newer step", as applied, like a release that has one more step.
    async fn add_unknown_step(&self, version: i64);
}
