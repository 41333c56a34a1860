use actix_web::HttpRequest;
use application::dtos::ListAuditRequest;
use domain::value_objects::TenantId;

use crate::extractors::QueryParameters;
use crate::extractors::prediction_filter::parse_limit;
use crate::problem::Problem;

/// Reads the query parameters of the audit, for the lines of `tenant` or for all.
pub(crate) fn audit_request(
    request: &HttpRequest,
    tenant: Option<TenantId>,
) -> Result<ListAuditRequest, Problem> {
    let query = QueryParameters::read(request, &["limit", "cursor"])?;
    let limit = query.get("limit").map(parse_limit).transpose()?;
    Ok(ListAuditRequest { tenant, limit, cursor: query.get("cursor").map(str::to_owned) })
}
