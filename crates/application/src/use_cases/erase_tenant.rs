use std::sync::Arc;

use domain::entities::TenantStatus;
use domain::errors::{DomainError, Rule};
use domain::value_objects::{AuditAction, TenantId};

use crate::action::log_action;
use crate::dtos::EraseTenantRequest;
use crate::errors::ApplicationError;
use crate::ports::{Clock, TenantRepository, UnitOfWork, WriteStore};
use crate::use_cases::change_tenant::existing;

/// Removes everything of a tenant but its name and its lines of the audit. May be repeated, to continue an erasure that
/// was interrupted.
pub struct EraseTenantUseCase {
    tenants: Arc<dyn TenantRepository>,
    store: Arc<dyn WriteStore>,
    clock: Arc<dyn Clock>,
}

/// The most rows of a table that one transaction removes.
const BATCH: u32 = 1_000;

impl EraseTenantUseCase {
    /// The use case over its ports.
    pub fn new(
        tenants: Arc<dyn TenantRepository>,
        store: Arc<dyn WriteStore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { tenants, store, clock }
    }

    /// Refuses the tenant's callers, waits for `grace`, in which requests in progress end, and removes the rows in
    /// batches. Calls `progress` with the number of rows removed so far, and returns it at the end.
    ///
    /// # Errors
    /// `Invalid` for the tenant `default`; `NotFound`; `Conflict` where another change came between; `Unavailable`.
    pub async fn execute(
        &self,
        request: EraseTenantRequest,
        grace: impl Future<Output = ()> + Send,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<u64, ApplicationError> {
        log_action("EraseTenantUseCase.execute", async {
            let id = &request.tenant;
            if *id == TenantId::default() {
                let why = "cannot be default, under which services without authentication store";
                return Err(DomainError::violation("tenant", Rule::Contradictory { why }).into());
            }
            let status = existing(self.tenants.find(id).await?, id)?.status;
            if status != TenantStatus::Erasing {
                let action = AuditAction::TenantErasureBegun;
                self.change(&request, [status, status.erase()], action, None).await?;
            }
            grace.await;
            let mut removed = 0;
            loop {
                let batch = self.tenants.erase_rows(id, BATCH).await?;
                if batch == 0 {
                    break;
                }
                removed += batch;
                progress(removed);
            }
            let ended = [TenantStatus::Erasing, TenantStatus::Erased];
            let detail = Some(format!("{removed} rows"));
            self.change(&request, ended, AuditAction::TenantErased, detail).await?;
            Ok(removed)
        })
        .await
    }

    async fn change(
        &self,
        request: &EraseTenantRequest,
        [from, to]: [TenantStatus; 2],
        action: AuditAction,
        detail: Option<String>,
    ) -> Result<(), ApplicationError> {
        let id = &request.tenant;
        let mut entry = request.actor.entry(self.clock.now(), Some(id), action, id.as_str());
        entry.detail = detail;
        let mut work = UnitOfWork::of(id);
        work.set_tenant_status(from, to);
        work.audit(entry);
        Ok(self.store.commit(work).await?)
    }
}
