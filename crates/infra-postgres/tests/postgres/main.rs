//! The PostgreSQL store: the contract shared with its twin, and its own behavior.
//!
//! The tests need a server, which `cargo xtask test` starts. Without it they fail.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod audit;
mod claims;
mod contract;
mod database;
mod deadlines;
mod frozen;
mod groups;
mod harness;
mod locks;
mod migrations;
mod opening;
mod outages;
mod plans;
mod pool;
mod relay;
mod spans;
mod trends;
mod values;
mod writing;
