//! Keys and tenants, idempotency keys, counts of texts, leases, the outbox, the feed of events and its sinks, with
//! their writes outside units of work.

mod api_key;
mod event_feed;
mod idempotency;
mod lease;
mod outbox;
mod rollup;
mod rollup_history;
mod rollup_writes;
mod sink;
mod tenant;
mod usage;

pub use api_key::SqliteApiKeyRepository;
pub use event_feed::SqliteEventFeedRepository;
pub use idempotency::SqliteIdempotencyRepository;
pub use lease::SqliteLeaseRepository;
pub use outbox::SqliteOutboxRepository;
pub use rollup::SqliteRollupRepository;
pub use sink::SqliteSinkRepository;
pub use tenant::SqliteTenantRepository;
pub use usage::SqliteUsageRepository;
