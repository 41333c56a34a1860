use std::sync::Arc;

use application::ports::{
    LeaseRepository, OutboxRelayRepository, PredictionReadModel, SchemaMigrator, WriteStore,
};
use async_trait::async_trait;
use domain::value_objects::PredictionId;

/// One store under test.
#[async_trait]
pub trait StoreHarness: Send + Sync + Sized {
    /// A fresh, empty store with its schema in place, which no other test sees. It is cleaned up on drop.
    async fn start() -> Self;

    /// The write side.
    fn writes(&self) -> Arc<dyn WriteStore>;

    /// The read side.
    fn predictions(&self) -> Arc<dyn PredictionReadModel>;

    /// The relay's side of the outbox.
    fn outbox(&self) -> Arc<dyn OutboxRelayRepository>;

    /// The leases.
    fn leases(&self) -> Arc<dyn LeaseRepository>;

    /// Spoils the default tenant's row `id`, as a newer release would that knows one more sentiment.
    async fn spoil(&self, id: PredictionId);
}

/// One store under test that has a schema.
#[async_trait]
pub trait SchemaHarness: StoreHarness {
    /// The schema.
    fn migrator(&self) -> Arc<dyn SchemaMigrator>;

    /// Records the step `version`, named "a newer step", as applied, as a release would that has one step more.
    async fn add_unknown_step(&self, version: i64);
}
