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

pub use api_key::PostgresApiKeyRepository;
pub use event_feed::PostgresEventFeedRepository;
pub use idempotency::PostgresIdempotencyRepository;
pub use lease::PostgresLeaseRepository;
pub(crate) use outbox::FEED_CHANNEL;
pub use outbox::PostgresOutboxRepository;
pub use rollup::PostgresRollupRepository;
pub use sink::PostgresSinkRepository;
pub use tenant::PostgresTenantRepository;
pub use usage::PostgresUsageRepository;
