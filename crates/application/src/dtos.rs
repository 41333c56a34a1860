//! What enters the use cases and what they return: typed, without a serialization format.

mod audit;
mod authenticate;
mod caller;
mod cursor;
mod export_predictions;
mod feed;
mod health;
mod idempotency;
mod keys;
mod models;
mod predict_sentiment;
mod prediction_record;
mod rebuild_analytics;
mod stored_predictions;
mod tenants;
mod terms;
mod time_limit;
mod trends;
mod usage;

pub use audit::{AuditFault, ListAuditRequest, ListAuditResponse, VerifyAuditRequest, VerifyAuditResponse};
pub use authenticate::{AuthenticateRequest, Credential};
pub use caller::{Actor, Caller, Identity};
pub use cursor::Cursor;
pub use export_predictions::{ExportForm, ExportFormat, ExportPart, ExportPredictionsRequest};
pub use feed::{FollowEventsRequest, SequenceEventsResponse, SinkPass};
pub use health::{ComponentHealth, HealthReport, HealthStatus};
pub use idempotency::{Answer, IdempotentRequest};
pub use keys::{
    IssueKeyRequest, IssueKeyResponse, ListKeysRequest, ListKeysResponse, Replacement, RevokeKeyRequest,
};
pub use models::{LoadModelRequest, UnloadModelRequest};
pub use predict_sentiment::{
    PredictItem, PredictSentimentBatchRequest, PredictSentimentBatchResponse, PredictSentimentRequest,
    PredictSentimentResponse,
};
pub use prediction_record::PredictionRecord;
pub use rebuild_analytics::RebuildProgress;
pub use stored_predictions::{
    DeletePredictionRequest, GetPredictionRequest, ListPredictionsRequest, ListPredictionsResponse,
};
pub use tenants::{ChangeTenantRequest, EraseTenantRequest, LimitsChange, TenantChange};
pub use terms::{Against, DistinctTerm, RankTermsRequest, RankTermsResponse, TextSample};
pub use time_limit::TimeLimit;
pub use trends::{
    BreakDownRequest, BreakDownResponse, BreakdownRow, ShowTrendsRequest, ShowTrendsResponse, TrendBucket,
    TrendBy, TrendCounts, TrendFilter, TrendGroup,
};
pub use usage::GetUsageResponse;
