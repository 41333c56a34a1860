//! The read side of the stores.

mod analytics_read_model;
mod audit_read_model;
mod found_row;
mod prediction_filter;
mod prediction_read_model;
mod prediction_walk;
mod trend_read_model;
mod usage_read_model;

pub use analytics_read_model::{AnalyticsReadModel, IdPage, IdWalk, TextSelection};
pub use audit_read_model::AuditReadModel;
pub use found_row::FoundRow;
pub use prediction_filter::PredictionFilter;
pub use prediction_read_model::{PredictionPage, PredictionReadModel};
pub use prediction_walk::{WalkLimits, WalkPage, WalkRange};
pub use trend_read_model::{
    Counted, GroupCell, GroupLimits, GroupTotals, GroupedRollups, RollupGroup, RollupGrouping,
    RollupSelection, RollupSum, SentimentSums, SeriesCell, TrendProgress, TrendReadModel,
};
pub use usage_read_model::{DayUsage, UsageCount, UsageReadModel};
