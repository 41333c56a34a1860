//! The model gateway: a BERT classifier on Candle behind a bounded, batching queue.
//!
//! This crate turns texts into logits and nothing more. It knows Hugging Face model folders and their hub,
//! tokenizers and the device, but no API, no store, no cache of answers, and no policy: softmax, merging of windows and the choice of a label
//! are the domain's. A text goes [`LocalMlGateway`] → tokenizer → windows → queue → worker → engine and back.
//! Start reading at [`LocalMlGateway`]; then `queue.rs` (who waits), `worker.rs` (what runs together, and what
//! happens when it breaks), `engine.rs` (the seam behind which the arithmetic lives), `architecture.rs` (the kinds of
//! models) and `loader.rs` (from a folder to a model that has passed its self-test); `hub.rs` gets folders from the
//! Hugging Face hub.

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a test that fails by a panic is a failed test"))]

mod architecture;
#[doc(hidden)]
pub mod bench;
mod caught;
mod engine;
mod found;
mod gateway;
mod health;
mod hub;
mod inference_error;
mod job;
mod load_error;
mod loader;
mod loading;
mod memory;
mod metric;
mod queue;
mod settings;
mod stopping;
mod tokenizer;
mod windowing;
mod worker;

#[cfg(test)]
mod testing;

pub use engine::cpu::peak_products_per_second;
pub use gateway::LocalMlGateway;
pub use health::ModelHealthCheck;
pub use hub::{HubError, HubModel, HubModelError, HubSettings, HubToken, LoggedProgress, without_secrets};
pub use load_error::LoadError;
pub use loading::Loading;
pub use metric::describe_metrics;
pub use settings::{DeviceChoice, LabelMapping, ModelSettings, ModelSource, Precision, SettingsError};
