//! What Undertone does, step by step, and the ports it does it through.
//!
//! A use case is a struct that holds its ports and has one method, `execute`. This crate knows the domain and
//! nothing else: no database, no web framework, no model runtime, no serialisation format, no async runtime.
//! Start reading at [`use_cases::PredictSentimentUseCase`], then at [`ports`].

#![forbid(unsafe_code)]

pub mod action;
pub mod dtos;
pub mod errors;
pub mod ports;
pub mod use_cases;
