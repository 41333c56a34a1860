//! What the predicting use cases share: their ports, the context of a request, and the steps validate, classify, create
//! and store.

mod classify;
mod ports;
mod request_context;
mod store;
mod validate;

pub use ports::PredictionPorts;

pub(super) use classify::{Classification, classify, missing_output};
pub(super) use request_context::{RequestContext, choose_model};
pub(super) use store::{create_prediction, store};
pub(super) use validate::{ValidItem, validate};
