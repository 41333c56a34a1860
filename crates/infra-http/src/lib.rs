//! Outgoing HTTP: verifies tokens of an identity provider with the keys that it publishes, and asks a running service
//! for its health ([`HealthProbe`]).
//!
//! This crate knows JSON Web Tokens (RFC 7519) and key sets (RFC 7517). It knows neither API keys nor tenants: whether
//! a tenant exists and what a caller may do is decided by the application. A token goes [`JwtVerifier`] →
//! `signed_token.rs` (its parts, without trust) → `published_keys.rs` (the key, fetched by `key_fetcher.rs` where it is
//! not known yet) → `verification_key.rs` (its signature) → `claim_rules.rs` (what a signed token says).

#![forbid(unsafe_code)]
#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a test that fails by a panic is a failed test"))]

mod bounded_body;
mod claim_rules;
mod health_probe;
mod jwt_settings;
mod jwt_verifier;
mod key_fetcher;
mod key_set;
mod metric;
mod published_keys;
mod signed_token;
mod strict_json;
mod verification_key;

pub use health_probe::{HealthProbe, HealthProbeError, ReportedHealth};
pub use jwt_settings::{JwtSecret, JwtSettings, TokenLimitSettings};
pub use jwt_verifier::{JwtVerifier, JwtVerifierError};
pub use metric::describe_metrics;

#[cfg(test)]
mod tests;
