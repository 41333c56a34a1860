//! What the predicting use cases share: their ports, the context of a request, and the steps: validate, claim
//! the idempotency key, count against the limits, classify, create and store.

mod classify;
mod idempotency;
mod limits;
mod ports;
mod request_context;
mod store;
mod validate;

pub use ports::{IdempotencyPorts, PredictionPorts};

pub(super) use classify::{Classification, classify, missing_output};
pub(super) use idempotency::{Claimed, answered_before, claim, replay, under_claim};
pub(super) use limits::{take_texts, wait_for_text};
pub(super) use request_context::{RequestContext, choose_model};
pub(super) use store::{create_prediction, store};
pub(super) use validate::{ValidItem, validate};
