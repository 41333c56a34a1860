//! The read side.

mod audit;
mod prediction;
mod prediction_query;

pub use audit::PostgresAuditReadModel;
pub use prediction::PostgresPredictionReadModel;
