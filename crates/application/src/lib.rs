//! The use cases of Undertone and the ports they need.
//!
//! A use case is a struct that holds its ports and has one method, `execute`. This crate depends on the domain only: no
//! database, no web framework, no model runtime, no serialization format, no async runtime. Start reading at
//! [`use_cases::PredictSentimentUseCase`], then at [`ports`].

#![forbid(unsafe_code)]

pub mod action;
pub mod dtos;
pub mod errors;
pub mod ports;
pub mod use_cases;
