//! Models from the Hugging Face hub: from `org/name@revision` to a folder like any other.
//!
//! `hf-hub` gives the client and the routes. The rest is done here: the list of files with their object ids, one retry
//! policy for all requests, resuming where a download was cut, verifying each file by the commit it belongs to, and
//! adding it to the cache only then. The cache has the layout that all Hugging Face tools share. Start reading at
//! `fetch.rs`, then `download.rs`.

mod access;
mod cache;
mod committed_file;
mod content_range;
mod download;
mod environment;
mod error;
mod fetch;
mod hub_model;
mod listing;
mod progress;
mod redaction;
mod remote;
mod retry_policy;
mod settings;

pub use error::{HubError, HubErrorKind};
pub use hub_model::HubModelError;
pub use progress::LoggedProgress;
pub use settings::{HubSettings, HubToken};

pub(crate) use access::Hub;
pub(crate) use fetch::{Requirements, Snapshot};
pub(crate) use hub_model::HubModel;

#[cfg(test)]
mod tests;
