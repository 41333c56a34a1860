//! Repositories: keys and tenants, idempotency keys, counts of texts, leases, and the outbox for the relay.

mod api_key_repository;
mod idempotency_repository;
mod lease_repository;
mod outbox_relay_repository;
mod tenant_repository;
mod usage_repository;

pub use api_key_repository::{ApiKeyRepository, KeyRecord};
pub use idempotency_repository::{
    ClaimOutcome, IdempotencyClaim, IdempotencyRepository, ItemFailure, StoredAnswer, StoredItem,
};
pub use lease_repository::{Lease, LeaseRepository};
pub use outbox_relay_repository::{OutboxEvent, OutboxRelayRepository};
pub use tenant_repository::TenantRepository;
pub use usage_repository::UsageRepository;
