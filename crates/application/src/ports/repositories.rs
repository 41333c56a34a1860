//! Repositories: keys and tenants, idempotency keys, counts of texts, leases, and the outbox, the feed of events, its
//! sinks and the rollups.

mod api_key_repository;
mod event_feed_repository;
mod idempotency_repository;
mod lease_repository;
mod outbox_repository;
mod rollup_repository;
mod sink_repository;
mod tenant_repository;
mod usage_repository;

pub use api_key_repository::{ApiKeyRepository, KeyRecord};
pub use event_feed_repository::{EventFeedRepository, FeedBounds, FeedEvent};
pub use idempotency_repository::{
    ClaimOutcome, IdempotencyClaim, IdempotencyRepository, ItemFailure, StoredAnswer, StoredItem,
};
pub use lease_repository::{Lease, LeaseRepository};
pub use outbox_repository::OutboxRepository;
pub use rollup_repository::{
    ANALYTICS_SINK, AdmittedValue, HistorySnapshot, OutdatedRange, PendingEvent, ProjectionStep, Recount,
    RollupRepository,
};
pub use sink_repository::{SinkProgress, SinkRepository, SinkStep};
pub use tenant_repository::TenantRepository;
pub use usage_repository::UsageRepository;
