//! The adapters that need nothing outside the process: the clock, new ids, a cache before the model, the log's queue and
//! events to the log, counters of answers, the cutting of texts into sentences, the catalog of models, and a store that keeps nothing.
//!
//! This crate knows no database and no model. Start reading at [`SystemClock`].

#![forbid(unsafe_code)]

mod cached_ml_gateway;
mod discarding_store;
mod local_model_catalog;
mod log_publisher;
mod log_queue;
mod metric;
mod metrics_recorder;
mod moka_cache_gateway;
mod offset_clock;
mod system_clock;
mod unicode_sentence_splitter;
mod uuid_v7_ids;

pub use cached_ml_gateway::CachedMlGateway;
pub use discarding_store::DiscardingWriteStore;
pub use local_model_catalog::LocalModelCatalog;
pub use log_publisher::LogPublisher;
pub use log_queue::LogQueue;
pub use metric::describe_metrics;
pub use metrics_recorder::MetricsRecorder;
pub use moka_cache_gateway::{CacheLimits, MokaCacheGateway};
pub use offset_clock::OffsetClock;
pub use system_clock::SystemClock;
pub use unicode_sentence_splitter::UnicodeSentenceSplitter;
pub use uuid_v7_ids::UuidV7Ids;
