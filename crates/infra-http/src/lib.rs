//! Outgoing HTTP: verifies tokens of an identity provider with the keys that it publishes.

#![forbid(unsafe_code)]
