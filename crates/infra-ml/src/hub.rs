//! Models from the Hugging Face hub: from `org/name@revision` to a folder like any other.
//!
//! `hf-hub` asks the hub: it knows the routes, the token and the redirects. What it leaves open is done here: one
//! policy of retries over all requests, going on where a download was cut, proving each file by the commit it belongs
//! to, and putting it into the cache only then. The cache has the layout that all Hugging Face tools share. Start
//! reading at `obtain.rs`, then `download.rs`.

mod cache;
mod download;
mod error;
mod file_proof;
mod hub_model;
mod obtain;
mod patience;
mod progress;
mod remote;
mod secrets;
mod settings;
mod snapshot;

pub use error::HubError;
pub use hub_model::{HubModel, HubModelError};
pub use progress::LoggedProgress;
pub use secrets::without_secrets;
pub use settings::{HubSettings, HubToken};

pub(crate) use obtain::{Obtained, obtain};

#[cfg(test)]
mod tests;
