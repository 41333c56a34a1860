//! The PostgreSQL store: the contract that it shares with its twin, and what is its own.
//!
//! The tests need a server: `cargo xtask test` brings one. Without it they fail.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod contract;
mod database;
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
mod values;
mod writing;
