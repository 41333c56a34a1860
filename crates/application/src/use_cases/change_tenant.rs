use std::sync::Arc;

use domain::entities::{Tenant, TenantStatus};
use domain::errors::{DomainError, Rule};
use domain::value_objects::{AuditAction, Limits, TenantId};

use crate::action::log_action;
use crate::dtos::{ChangeTenantRequest, TenantChange};
use crate::errors::ApplicationError;
use crate::ports::{Clock, TenantRepository, UnitOfWork, WriteStore};

/// Adds, disables, enables or limits a tenant.
pub struct ChangeTenantUseCase {
    tenants: Arc<dyn TenantRepository>,
    store: Arc<dyn WriteStore>,
    clock: Arc<dyn Clock>,
}

impl ChangeTenantUseCase {
    /// The use case over its ports.
    pub fn new(
        tenants: Arc<dyn TenantRepository>,
        store: Arc<dyn WriteStore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { tenants, store, clock }
    }

    /// Makes the change; every replica follows within five seconds.
    ///
    /// # Errors
    /// `Invalid` where the tenant's state does not allow it; `NotFound`; `Conflict` where another change came between;
    /// `Unavailable`.
    pub async fn execute(&self, request: ChangeTenantRequest) -> Result<(), ApplicationError> {
        log_action("ChangeTenantUseCase.execute", async {
            let (now, id) = (self.clock.now(), &request.tenant);
            let found = self.tenants.find(id).await?;
            let mut work = UnitOfWork::of(id);
            let mut detail = None;
            let action = match request.change {
                TenantChange::Add => {
                    require_new(found.as_ref())?;
                    let status = TenantStatus::Active;
                    let limits = Limits::default();
                    work.insert_tenant(Tenant { id: id.clone(), status, limits, created_at: now });
                    AuditAction::TenantAdded
                }
                TenantChange::Disable => {
                    let status = existing(found, id)?.status;
                    work.set_tenant_status(status, status.disable()?);
                    AuditAction::TenantDisabled
                }
                TenantChange::Enable => {
                    let status = existing(found, id)?.status;
                    work.set_tenant_status(status, status.enable()?);
                    AuditAction::TenantEnabled
                }
                TenantChange::Limit(change) => {
                    let limits = change.apply_to(existing(found, id)?.limits);
                    work.set_tenant_limits(limits);
                    detail = Some(limits.to_string());
                    AuditAction::TenantLimited
                }
            };
            let mut entry = request.actor.entry(now, Some(id), action, id.as_str());
            entry.detail = detail;
            work.audit(entry);
            Ok(self.store.commit(work).await?)
        })
        .await
    }
}

fn require_new(found: Option<&Tenant>) -> Result<(), DomainError> {
    let Some(tenant) = found else { return Ok(()) };
    let rule = Rule::WrongState { required: "a new name", actual: tenant.status.as_str() };
    Err(DomainError::violation("tenant", rule))
}

/// Returns the tenant that was found.
pub(super) fn existing(found: Option<Tenant>, id: &TenantId) -> Result<Tenant, ApplicationError> {
    found.ok_or_else(|| ApplicationError::NotFound { entity: "tenant", id: id.to_string() })
}
