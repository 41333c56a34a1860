//! The cases that every store adapter must pass, the in-memory fake included.
//!
//! [`store_contract!`](crate::store_contract) expands one named test for each case of the one list in `list.rs`;
//! each test gets a fresh, empty store from [`StoreHarness::start`]. Cases that read run a second time over a store in
//! which another tenant has look-alikes of their rows ([`WithSecondTenant`]). This crate knows the ports and no
//! adapter. Start reading at [`cases`].

#![forbid(unsafe_code)]
#![expect(clippy::missing_panics_doc, reason = "every case panics where the contract is broken")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a case is a test")]

pub mod cases;
pub mod chain;
pub mod frozen;
mod harness;
mod list;
pub mod samples;
pub mod seed;
mod steps;
pub mod trends;
mod with_second_tenant;

pub use harness::{Replica, SchemaHarness, StoreHarness};
pub use list::CASES;
pub use steps::events_of;
pub use with_second_tenant::WithSecondTenant;
