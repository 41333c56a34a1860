//! Translates responses of use cases into the JSON that clients receive, and describes its schemas.

mod analytics;
mod audit;
mod batch;
mod cache_status;
mod caller;
mod csv_cells;
mod event;
mod export;
mod health;
mod key;
mod limits;
mod metadata;
mod model;
mod prediction;
mod rate_limit;
mod stream;
mod timestamp;
mod trends;
mod usage;

pub(crate) use analytics::{TermsView, present_terms};
pub(crate) use audit::{AuditPage, present_audit, present_audit_line};
pub(crate) use batch::{BatchView, present_batch};
pub(crate) use cache_status::present_cache_status;
pub(crate) use caller::{CallerView, present_caller};
pub use event::EventFrames;
pub(crate) use event::{CloudEvent, EventType, present_gap, present_heartbeat, present_opening};
pub use export::write_export;
pub(crate) use export::{EXPORT_PAGE_BYTES, ExportEnd};
pub(crate) use health::{
    HealthView, ProcessFacts, ReadyView, StatusView, present_health, present_ready, present_status,
};
pub(crate) use key::{IssuedKeyView, KEY_BYTES, KeyList, present_issued_key, present_key, present_keys};
pub(crate) use limits::{LimitsView, present_limits};
pub(crate) use metadata::{BorrowedMetadata, MetadataView, present_metadata};
pub(crate) use model::{ModelList, ModelView, present_model, present_models};
pub(crate) use prediction::{
    PREDICTION_BYTES, PredictionPage, PredictionRecordView, PredictionView, estimate_bytes, present_page,
    present_prediction, present_record, present_unstored,
};
pub(crate) use rate_limit::present_rate_limit;
pub(crate) use stream::{LineCounts, StreamEnd, StreamLine, present_end, present_line};
pub(crate) use timestamp::{present_date, present_timestamp, write_timestamp};
pub(crate) use trends::{
    BreakdownView, TrendsView, estimate_trends_bytes, present_breakdown, present_trends,
};
pub(crate) use usage::{UsageView, present_usage};
