//! The read side of the stores.

mod analytics_read_model;
mod audit_read_model;
mod prediction_read_model;
mod usage_read_model;

pub use analytics_read_model::{AnalyticsReadModel, IdPage, IdWalk, TextSelection};
pub use audit_read_model::AuditReadModel;
pub use prediction_read_model::{FoundRow, PredictionFilter, PredictionPage, PredictionReadModel};
pub use usage_read_model::{DayUsage, UsageCount, UsageReadModel};
