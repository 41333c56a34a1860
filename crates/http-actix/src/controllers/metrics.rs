use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use application::action::log_action;

use crate::access::{Authorized, MetricsRead};
use crate::controllers::respond;
use crate::state::ApiState;

/// The media type of the Prometheus text format.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Metrics
///
/// In the Prometheus text format. If operators have a listener of their own, only that one serves them.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "metrics",
    tag = "operations",
    responses((status = 200, description = "The metrics", body = String, content_type = "text/plain"))
)]
pub(crate) async fn render(
    _: Authorized<MetricsRead>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> HttpResponse {
    let action = log_action("MetricsController.render", async {
        Ok(HttpResponse::Ok().content_type(PROMETHEUS).body((state.render_metrics)()))
    });
    respond(&request, action).await
}
