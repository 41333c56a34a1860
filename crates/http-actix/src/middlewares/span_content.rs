use actix_web::dev::ServiceRequest;
use actix_web::web::Data;

use crate::state::{ApiState, SpanContent};

/// Whether the spans of requests have the path and the caller.
pub(super) fn traces_clients(request: &ServiceRequest) -> bool {
    let state = request.app_data::<Data<ApiState>>();
    state.is_some_and(|state| state.settings.span_content == SpanContent::Client)
}
