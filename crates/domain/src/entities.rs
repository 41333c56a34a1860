//! Entities: equal when their ids are equal.

mod api_key;
mod prediction;
mod tenant;

pub use api_key::{ApiKey, KeyState};
pub use prediction::{NewPrediction, Prediction};
pub use tenant::{Tenant, TenantStatus};
