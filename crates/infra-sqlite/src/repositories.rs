//! Keys and tenants, idempotency keys, counts of texts, leases, and the outbox for the relay, with their writes outside
//! units of work.

mod api_key;
mod idempotency;
mod lease;
mod outbox_relay;
mod tenant;
mod usage;

pub use api_key::SqliteApiKeyRepository;
pub use idempotency::SqliteIdempotencyRepository;
pub use lease::SqliteLeaseRepository;
pub use outbox_relay::SqliteOutboxRelayRepository;
pub use tenant::SqliteTenantRepository;
pub use usage::SqliteUsageRepository;
