//! The read side.

mod analytics;
mod audit;
mod prediction;
mod prediction_query;
mod prediction_walk;
mod trend;
mod trend_statements;
mod usage;

pub use analytics::PostgresAnalyticsReadModel;
pub use audit::PostgresAuditReadModel;
pub use prediction::PostgresPredictionReadModel;
pub use trend::PostgresTrendReadModel;
pub use usage::PostgresUsageReadModel;
