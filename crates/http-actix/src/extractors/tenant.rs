use actix_web::HttpRequest;
use domain::value_objects::TenantId;

/// Returns the tenant of the request: always the default one, until API keys name others.
pub(crate) fn tenant(_request: &HttpRequest) -> TenantId {
    TenantId::default()
}
