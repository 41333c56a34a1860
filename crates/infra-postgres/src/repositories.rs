//! Keys and tenants, idempotency keys, counts of texts, leases, and the outbox for the relay, with their writes outside
//! units of work.

mod api_key;
mod idempotency;
mod lease;
mod outbox_relay;
mod tenant;
mod usage;

pub use api_key::PostgresApiKeyRepository;
pub use idempotency::PostgresIdempotencyRepository;
pub use lease::PostgresLeaseRepository;
pub use outbox_relay::PostgresOutboxRelayRepository;
pub use tenant::PostgresTenantRepository;
pub use usage::PostgresUsageRepository;
