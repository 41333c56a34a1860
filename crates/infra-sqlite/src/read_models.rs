//! What is read: each read model builds its statements, its private row turns into the use cases' records.

mod analytics;
mod analytics_query;
mod audit;
mod prediction;
mod prediction_query;
mod prediction_walk;
mod trend;
mod trend_statements;
mod usage;

pub use analytics::SqliteAnalyticsReadModel;
pub use audit::SqliteAuditReadModel;
pub use prediction::SqlitePredictionReadModel;
pub use trend::SqliteTrendReadModel;
pub use usage::SqliteUsageReadModel;
