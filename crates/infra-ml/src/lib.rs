//! The model gateway and the model loader: BERT classifiers on Candle behind a bounded, batching queue.
//!
//! This crate turns texts into logits and nothing more. It knows Hugging Face model folders and their hub, tokenizers
//! and the device, but no API, no store, no cache of predictions, and no policy: softmax, merging of windows and the
//! choice of a label are the domain's. A text goes [`LocalMlGateway`] → tokenizer → windows → queue → worker → engine
//! and back; then read `queue.rs` (which texts wait), `worker.rs` (what runs together, and what happens when it fails),
//! `engine.rs` (the arithmetic) and `architecture.rs` (the kinds of models). A model goes [`LocalModelLoader`] →
//! `resolve.rs` (from a name to a place; `model_sources.rs` bounds those that clients name) → `hub.rs` (from the hub to
//! a folder) → `loader.rs` (from a folder to a model that has passed its self-test) → `gateway/start.rs`.

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a test that fails by a panic is a failed test"))]

mod architecture;
#[doc(hidden)]
pub mod bench;
mod cores;
mod engine;
mod engine_health;
mod gateway;
mod hub;
mod inference_error;
mod job;
mod load_error;
mod loader;
mod loading;
mod local_model_loader;
mod machine;
mod memory;
mod metric;
mod model_folder;
mod model_sources;
mod panic;
mod pytorch;
mod queue;
mod resolve;
mod settings;
mod stored_tensor;
mod tokenizer;
mod windowing;
mod worker;

#[cfg(test)]
mod testing;

pub use cores::limit_threads;
pub use engine::cpu::peak_products_per_second;
pub use gateway::LocalMlGateway;
pub use hub::{HubError, HubErrorKind, HubModelError, HubSettings, HubToken, LoggedProgress};
pub use load_error::{
    ConfigError, LoadError, LoadErrorKind, TokenizerError, TrialError, UnfitSetting, UnmappedLabels,
    WeightsError,
};
pub use loading::Loading;
pub use local_model_loader::{LocalModelLoader, ModelFiles, ResolvedModel};
pub use machine::Machine;
pub use metric::describe_metrics;
pub use model_folder::{FolderError, TooLarge};
pub use model_sources::{ModelSources, ModelSourcesError};
pub use resolve::ResolveError;
pub use settings::{
    DeviceChoice, LabelMapping, ModelSettings, Precision, Seconds, SettingsError, SettingsPlace,
};
