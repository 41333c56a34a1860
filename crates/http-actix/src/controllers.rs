//! One action for each route: extract, execute, present. Business rules live in the use cases and the domain.

pub(crate) mod analytics;
pub(crate) mod audit;
pub(crate) mod batch;
pub(crate) mod caller;
pub(crate) mod console;
pub(crate) mod docs;
pub(crate) mod event;
pub(crate) mod export;
pub(crate) mod health;
pub(crate) mod key;
pub(crate) mod metrics;
pub(crate) mod model;
pub(crate) mod prediction;
pub(crate) mod refusal;
pub(crate) mod stream;
pub(crate) mod trends;
pub(crate) mod usage;

mod respond;
mod static_site;
mod streamed;

pub(crate) use prediction::IDEMPOTENT_REPLAYED;
pub(crate) use respond::{INTERNAL_ERRORS_TOTAL, report_panic, respond, respond_in_time, respond_within};
