//! The read side.

mod audit;
mod prediction;
mod prediction_query;
mod usage;

pub use audit::PostgresAuditReadModel;
pub use prediction::PostgresPredictionReadModel;
pub use usage::PostgresUsageReadModel;
