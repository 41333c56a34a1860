//! End to end: the real binary with the real model, on each store. `cargo xtask test` brings the PostgreSQL.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "tests")]

mod access_matrix;
mod administration;
mod analytics;
mod api;
mod audit;
mod blocked_log;
mod bodies;
mod broken_models;
mod bulk;
mod cache;
mod clocks;
mod command;
mod command_line;
mod database;
mod deadlines;
mod disconnects;
mod events;
mod export;
mod full_and_read_only;
mod hub;
mod idempotency;
mod isolation;
mod journey;
mod keys;
mod kill;
mod labels;
mod limits;
mod load;
mod locks;
mod model_sizes;
mod models;
mod older_release;
mod options;
mod outage;
mod published_model;
mod raw;
mod replicas;
mod revocation;
mod rollups;
mod shutdown;
mod slow_clients;
mod tenants;
mod tokens;
mod undertone;
