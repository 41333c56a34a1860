//! The cases, by topic. Each is an `async fn` over a harness and is listed in `list.rs`.

pub mod round_trips;
pub mod round_trips_of_options;
pub mod round_trips_of_scores;
pub mod round_trips_of_texts;

pub mod deletion;
pub mod interleavings;
pub mod tenants;
pub mod unit_of_work;

pub mod idempotency;
pub mod keys;
pub mod tenant_registry;

pub mod audit_chain;
pub mod audit_lines;

pub mod filters;
pub mod listing;
pub mod search;
pub mod walking;

pub mod analytics;
pub mod leases;
pub mod newer_releases;
pub mod outbox;
pub mod recounts;
pub mod rollups;
pub mod schema;
pub mod seeding;
pub mod sinks;
pub mod trends;
pub mod usage;
