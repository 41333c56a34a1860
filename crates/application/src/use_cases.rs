//! The use cases, one file each.

mod predict_sentiment;
mod predict_sentiment_batch;
mod prediction_pipeline;
mod stream_predictions;

mod admit_request;
mod get_usage;
mod purge_idempotency_keys;
mod purge_usage;
pub mod time_limits;

mod delete_prediction;
mod export_predictions;
mod get_prediction;
mod list_predictions;

mod rank_terms;

mod check_health;
mod deliver_events;
mod follow_events;
mod leadership;
mod project_analytics;
mod rebuild_analytics;
mod sequence_events;
mod sink_cursor;

mod break_down;
mod rollup_range;
mod show_trends;

mod list_models;
mod load_model;
mod model_changes;
mod unload_model;

mod authenticate;
mod revalidate_caller;

mod issue_key;
mod list_keys;
mod revoke_key;

mod change_tenant;
mod erase_tenant;
mod list_tenants;

mod list_audit;
mod verify_audit;

mod page_limit;

pub use admit_request::AdmitRequestUseCase;
pub use authenticate::{AuthenticateUseCase, AuthenticationPorts};
pub use break_down::{BreakDownUseCase, DEFAULT_BREAKDOWN_LIMIT, MAX_BREAKDOWN_LIMIT};
pub use change_tenant::ChangeTenantUseCase;
pub use check_health::CheckHealthUseCase;
pub use delete_prediction::DeletePredictionUseCase;
pub use deliver_events::DeliverEventsUseCase;
pub use erase_tenant::EraseTenantUseCase;
pub use export_predictions::{ExportPredictionsUseCase, PredictionExport};
pub use follow_events::FollowEventsUseCase;
pub use get_prediction::GetPredictionUseCase;
pub use get_usage::GetUsageUseCase;
pub use issue_key::IssueKeyUseCase;
pub use leadership::Leadership;
pub use list_audit::ListAuditUseCase;
pub use list_keys::ListKeysUseCase;
pub use list_models::ListModelsUseCase;
pub use list_predictions::ListPredictionsUseCase;
pub use list_tenants::ListTenantsUseCase;
pub use load_model::LoadModelUseCase;
pub use model_changes::ModelChanges;
pub use page_limit::{DEFAULT_PAGE_LIMIT, MAX_PAGE_LIMIT};
pub use predict_sentiment::PredictSentimentUseCase;
pub use predict_sentiment_batch::PredictSentimentBatchUseCase;
pub use prediction_pipeline::{IdempotencyPorts, PredictionPorts};
pub use project_analytics::{ProjectAnalyticsUseCase, ProjectionPorts};
pub use purge_idempotency_keys::PurgeIdempotencyKeysUseCase;
pub use purge_usage::PurgeUsageUseCase;
pub use rank_terms::RankTermsUseCase;
pub use rebuild_analytics::RebuildAnalyticsUseCase;
pub use revalidate_caller::RevalidateCallerUseCase;
pub use revoke_key::RevokeKeyUseCase;
pub use sequence_events::{SequenceEventsUseCase, SequencingPorts};
pub use show_trends::ShowTrendsUseCase;
pub use stream_predictions::{PredictionStream, StreamPredictionsUseCase};
pub use unload_model::UnloadModelUseCase;
pub use verify_audit::VerifyAuditUseCase;
