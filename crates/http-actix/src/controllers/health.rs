use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use application::action::log_action;
use application::dtos::HealthStatus;

use crate::controllers::respond;
use crate::presenters::{
    HealthView, ProcessFacts, ReadyView, StatusView, present_health, present_ready, present_status,
};
use crate::state::ApiState;

/// Health
///
/// The result of the last check of the components, which runs every second in the background.
#[utoipa::path(
    get,
    path = "/health",
    operation_id = "health",
    tag = "operations",
    responses(
        (status = 200, description = "Healthy, or degraded", body = HealthView),
        (status = 503, description = "Unhealthy", body = HealthView)
    )
)]
pub(crate) async fn report(request: HttpRequest, state: Data<ApiState>) -> HttpResponse {
    let action = log_action("HealthController.report", async {
        let report = state.use_cases.health.last();
        let facts = ProcessFacts { version: state.version, uptime: state.started.elapsed() };
        let facts = (!state.settings.admin_split).then_some(&facts);
        let is_healthy = report.status != HealthStatus::Unhealthy;
        Ok(ok_if(is_healthy).json(present_health(&report, facts)))
    });
    respond(&request, action).await
}

/// Liveness
#[utoipa::path(
    get,
    path = "/health/live",
    operation_id = "health_live",
    tag = "operations",
    responses((status = 200, description = "The process is running", body = StatusView))
)]
pub(crate) async fn live(request: HttpRequest) -> HttpResponse {
    let action = log_action("HealthController.live", async { Ok(HttpResponse::Ok().json(present_status())) });
    respond(&request, action).await
}

/// Readiness
///
/// Not ready while the model is loading, while the service shuts down, and when the store has failed for two seconds.
#[utoipa::path(
    get,
    path = "/health/ready",
    operation_id = "health_ready",
    tag = "operations",
    responses(
        (status = 200, description = "Ready", body = ReadyView),
        (status = 503, description = "Not ready", body = ReadyView)
    )
)]
pub(crate) async fn ready(request: HttpRequest, state: Data<ApiState>) -> HttpResponse {
    let action = log_action("HealthController.ready", async {
        let ready = state.use_cases.health.is_ready();
        Ok(ok_if(ready).json(present_ready(ready)))
    });
    respond(&request, action).await
}

fn ok_if(condition: bool) -> actix_web::HttpResponseBuilder {
    if condition { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() }
}
