//! The store ports on PostgreSQL, from version 14 on: for production.
//!
//! One task per process writes: it owns a connection and applies the write sets that wait in one transaction. Reads,
//! leases and the outbox share a pool, of which lists may take half. Every call ends within the store's timeout, and
//! a connection on which something failed is closed rather than reused. Connections belong to the runtime that opened
//! the store and get their settings after connecting, which works behind PgBouncer as well. This crate knows the
//! ports and no use case, no web framework, and nothing of its SQLite twin, with which it shares the contract suite,
//! `store-codec` and no SQL. Start reading at [`PostgresStore`], then `writer`.

#![forbid(unsafe_code)]
#![cfg_attr(test, expect(clippy::expect_used, reason = "a test may fail loudly"))]

mod clock;
mod columns;
mod database;
mod error;
mod feed_wake_up;
mod health;
mod migrate;
mod pool;
mod read_models;
mod redacted_url;
mod repositories;
mod server_facts;
mod settings;
mod store;
mod timestamp;
mod timing;
mod writer;

pub use error::{OpenError, UnfitServer};
pub use health::PostgresHealthCheck;
pub use migrate::PostgresMigrator;
pub use read_models::{
    PostgresAnalyticsReadModel, PostgresAuditReadModel, PostgresPredictionReadModel, PostgresTrendReadModel,
    PostgresUsageReadModel,
};
pub use redacted_url::redacted_url;
pub use repositories::{
    PostgresApiKeyRepository, PostgresEventFeedRepository, PostgresIdempotencyRepository,
    PostgresLeaseRepository, PostgresOutboxRepository, PostgresRollupRepository, PostgresSinkRepository,
    PostgresTenantRepository, PostgresUsageRepository,
};
pub use settings::PostgresSettings;
pub use store::PostgresStore;
