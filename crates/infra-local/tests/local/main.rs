//! Tests of the adapters' public interfaces.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod address_failure_limiter;
mod cached_caller_directory;
mod cached_outputs;
mod cached_use_cases;
mod counted_callers;
#[cfg(debug_assertions)]
mod fault_injector;
mod gate;
mod late_lookup;
mod local_model_catalog;
mod local_usage_limiter;
mod log_queue;
mod metrics_recorder;
mod moka_cache_gateway;
mod recorded;
mod sentences;
mod shared_deadlines;
mod single_flight;
