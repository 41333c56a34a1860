//! The SQLite store: the contract shared with its twin, and its own behavior.

#![expect(clippy::unwrap_used, reason = "tests")]

mod audit;
mod backup;
mod contract;
mod deadlines;
mod durability;
mod frozen;
mod harness;
mod limits;
mod migrations;
mod relay;
mod samples;
mod slow_reads;
mod stalled_callers;
mod trends;
mod upkeep;
