//! The sentiment domain: what a prediction is, which rules it obeys, which events it raises.
//!
//! This crate knows no database, no web framework, no model runtime, no clock and no random source. It has no
//! dependencies; time and ids are passed in. Start reading at [`entities::Prediction`].

#![forbid(unsafe_code)]
#![cfg_attr(test, expect(clippy::expect_used, reason = "a test may panic"))]

pub mod entities;
pub mod errors;
pub mod events;
pub mod policies;
pub mod value_objects;
