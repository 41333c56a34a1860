use std::sync::Arc;
use std::time::Duration;

use application::ports::Clock;
use application::use_cases::{
    ChangeTenantUseCase, EraseTenantUseCase, ExportPredictionsUseCase, IssueKeyUseCase, ListAuditUseCase,
    ListKeysUseCase, ListTenantsUseCase, RebuildAnalyticsUseCase, RevokeKeyUseCase, VerifyAuditUseCase,
};
use futures_util::future::BoxFuture;

/// What the commands `tenants`, `keys`, `audit`, `export` and `analytics` need.
pub struct Administration {
    /// `tenants add`, `limit`, `disable`, `enable`.
    pub change_tenant: ChangeTenantUseCase,
    /// `tenants list`, `tenants limit` without options, and `keys list` of all tenants.
    pub list_tenants: ListTenantsUseCase,
    /// `tenants erase`.
    pub erase_tenant: EraseTenantUseCase,
    /// `keys issue`.
    pub issue_key: IssueKeyUseCase,
    /// `keys list`.
    pub list_keys: ListKeysUseCase,
    /// `keys revoke`.
    pub revoke_key: RevokeKeyUseCase,
    /// `audit list`.
    pub list_audit: ListAuditUseCase,
    /// `audit verify`.
    pub verify_audit: VerifyAuditUseCase,
    /// `analytics rebuild`.
    pub rebuild_analytics: RebuildAnalyticsUseCase,
    /// `export`.
    pub export: ExportPredictionsUseCase,
    /// The time from which a span such as `90d` counts.
    pub clock: Arc<dyn Clock>,
    /// Waits for some time.
    pub sleep: fn(Duration) -> BoxFuture<'static, ()>,
}
