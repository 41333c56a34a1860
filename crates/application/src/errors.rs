//! Why a use case fails, and the types of causes.

mod application_error;
mod cause;
mod item_failure;

pub use application_error::ApplicationError;
pub use cause::{BoxError, SharedError};
