//! Adapters that need nothing outside the process: the clock, ids, the model catalog, the cache before a model,
//! sentence splitting, metrics, the log's queue, the publisher of events to the log, a store that discards its writes;
//! for authentication the secrets of API keys, the cache of keys and tenants, the limit of failures, and the audit's
//! seals; the limits of what principals use; the calendars of time zones; threads for
//! computations.
//!
//! This crate knows no database and no model. Start reading at [`SystemClock`].

#![forbid(unsafe_code)]

mod address_failure_limiter;
mod background_tasks;
mod base62;
mod blocking_compute_pool;
mod cached_caller_directory;
mod cached_ml_gateway;
mod discarding_store;
mod events_health_check;
#[cfg(debug_assertions)]
mod fault_injector;
mod hmac_audit_sealer;
mod local_event_feed;
mod local_model_catalog;
mod local_usage_limiter;
mod log_publisher;
mod log_queue;
mod metric;
mod metrics_recorder;
mod moka_cache_gateway;
mod offset_clock;
mod random_key_secrets;
mod system_clock;
mod unicode_sentence_splitter;
mod uuid_v7_ids;
mod zoned_calendar;

pub use address_failure_limiter::AddressFailureLimiter;
pub use background_tasks::BackgroundTasks;
pub use blocking_compute_pool::BlockingComputePool;
pub use cached_caller_directory::CachedCallerDirectory;
pub use cached_ml_gateway::CachedMlGateway;
pub use discarding_store::DiscardingWriteStore;
pub use events_health_check::EventsHealthCheck;
#[cfg(debug_assertions)]
pub use fault_injector::{Fault, FaultInjector, FaultStep};
pub use hmac_audit_sealer::{HmacAuditSealer, ShortKey};
pub use local_event_feed::{FeedLimits, LocalEventFeed};
pub use local_model_catalog::LocalModelCatalog;
pub use local_usage_limiter::LocalUsageLimiter;
pub use log_publisher::LogPublisher;
pub use log_queue::LogQueue;
pub use metric::describe_metrics;
pub use metrics_recorder::MetricsRecorder;
pub use moka_cache_gateway::{CacheLimits, MokaCacheGateway};
pub use offset_clock::OffsetClock;
pub use random_key_secrets::RandomKeySecrets;
pub use system_clock::SystemClock;
pub use unicode_sentence_splitter::UnicodeSentenceSplitter;
pub use uuid_v7_ids::UuidV7Ids;
pub use zoned_calendar::ZonedCalendar;
