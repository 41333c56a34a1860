use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use application::action::log_action;
use domain::value_objects::Scope;

use crate::access::{AuditRead, Authorized};
use crate::controllers::respond_in_time;
use crate::extractors::audit_request;
use crate::openapi::AuditParameters;
use crate::presenters::{AuditPage, present_audit};
use crate::state::ApiState;

/// List the audit
///
/// Who changed what, newest first: the lines of the caller's tenant, or with the scope `audit:instance` those of all
/// tenants and of the service.
#[utoipa::path(
    get,
    path = "/api/v1/audit",
    operation_id = "list_audit",
    tag = "access",
    params(AuditParameters),
    responses((status = 200, description = "One page of the audit", body = AuditPage))
)]
pub(crate) async fn list(
    authorized: Authorized<AuditRead>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> HttpResponse {
    let action = log_action("AuditController.list", async {
        let sees_all = authorized.caller().scopes.contains(Scope::AuditInstance);
        let query = audit_request(&request, (!sees_all).then(|| authorized.tenant()))?;
        let page = state.use_cases.audit.execute(query).await?;
        Ok(HttpResponse::Ok().json(present_audit(page, sees_all)))
    });
    respond_in_time(&request, action).await
}
