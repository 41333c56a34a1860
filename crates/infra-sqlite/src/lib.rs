//! The store ports on SQLite: the embedded default.
//!
//! One file, one writer. A single task owns the writing connection and applies the write sets that wait in one
//! transaction; readers have connections of their own, which do not block the writer thanks to write-ahead logging.
//! This crate knows the ports and no use case, no web framework, and nothing of its PostgreSQL twin, with which it
//! shares the contract suite, `store-codec` and no SQL. Start reading at [`SqliteStore`], then `writer`.

#![forbid(unsafe_code)]

#[macro_use]
mod clock;

mod backup;
mod columns;
mod error;
mod existing;
mod feed_wake_up;
mod health;
mod migrate;
mod pool;
mod read_models;
mod readers;
mod repositories;
mod settings;
mod store;
mod timing;
mod upkeep;
mod writer;

pub use error::{BackupError, OpenError};
pub use health::SqliteHealthCheck;
pub use migrate::SqliteMigrator;
pub use read_models::{
    SqliteAnalyticsReadModel, SqliteAuditReadModel, SqlitePredictionReadModel, SqliteTrendReadModel,
    SqliteUsageReadModel,
};
pub use repositories::{
    SqliteApiKeyRepository, SqliteEventFeedRepository, SqliteIdempotencyRepository, SqliteLeaseRepository,
    SqliteOutboxRepository, SqliteRollupRepository, SqliteSinkRepository, SqliteTenantRepository,
    SqliteUsageRepository,
};
pub use settings::SqliteSettings;
pub use store::SqliteStore;
