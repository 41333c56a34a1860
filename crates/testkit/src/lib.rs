//! Test doubles: in-memory fakes of every port, a TCP proxy that cuts, refuses and stalls connections, an address that
//! never answers, a Hugging Face hub and an identity provider with faults, and keys for tokens.
//!
//! The fakes of store and cache pass the same contracts as the adapters. No fake sleeps, and none is random. This crate
//! knows the ports and no adapter. Start reading at [`MemoryStore`] and [`FakeMlGateway`].

#![forbid(unsafe_code)]
#![expect(clippy::expect_used, reason = "a test double may panic")]

mod memory_cache;
mod memory_rollups;
mod memory_store;

mod cache_contract;
mod captured_log;
mod classify_one;
mod counting_failure_limiter;
mod counting_usage_limiter;
mod direct_caller_directory;
mod direct_compute_pool;
mod fake_event_feed;
mod fake_health_check;
mod fake_ml_gateway;
mod fake_model_catalog;
mod fixed_clock;
mod full_stop_splitter;
mod plain_key_secrets;
mod recording_metrics;
mod recording_publisher;
mod recording_relay_metrics;
mod sequence_ids;
mod test_keys;
mod utc_calendar;

mod black_hole;
mod fake_hub;
mod fake_identity_provider;
mod fault_proxy;

pub use black_hole::BlackHole;
pub use cache_contract::cache_contract;
pub use captured_log::{CapturedLog, LogLine};
pub use classify_one::ClassifyOne;
pub use counting_failure_limiter::CountingFailureLimiter;
pub use counting_usage_limiter::CountingUsageLimiter;
pub use direct_caller_directory::DirectCallerDirectory;
pub use direct_compute_pool::DirectComputePool;
pub use fake_event_feed::FakeEventFeed;
pub use fake_health_check::FakeHealthCheck;
pub use fake_hub::{FakeHub, FakeRepo, HubFault, HubFile, HubRequest};
pub use fake_identity_provider::{FakeIdentityProvider, ProviderFault};
pub use fake_ml_gateway::{FakeMlGateway, MlCall, MlFailure};
pub use fake_model_catalog::FakeModelCatalog;
pub use fault_proxy::{FaultProxy, ProxyMode};
pub use fixed_clock::FixedClock;
pub use full_stop_splitter::FullStopSplitter;
pub use memory_cache::MemoryCache;
pub use memory_rollups::MemoryRollups;
pub use memory_store::MemoryStore;
pub use plain_key_secrets::PlainKeySecrets;
pub use recording_metrics::RecordingMetrics;
pub use recording_publisher::RecordingPublisher;
pub use recording_relay_metrics::RecordingRelayMetrics;
pub use sequence_ids::SequenceIds;
pub use test_keys::{ED25519_KEYS, P256_KEYS, RSA_KEYS};
pub use utc_calendar::UtcCalendar;
