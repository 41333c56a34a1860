use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use application::action::log_action;

use crate::access::{Authorized, PredictionsRead};
use crate::controllers::respond_in_time;
use crate::extractors::{breakdown_request, trends_request};
use crate::openapi::{BreakdownParameters, TrendsParameters};
use crate::presenters::{
    BreakdownView, TrendsView, estimate_trends_bytes, present_breakdown, present_trends,
};
use crate::render::render_json;
use crate::state::ApiState;

/// Show trends
///
/// Counts of predictions by buckets of time on the clock and in the calendar of a time zone, empty ones included. Only
/// the first and the last bucket may reach beyond the range; each counts all predictions of its time.
///
/// A prediction is counted shortly after it was stored: everything that happened before `complete_until` is counted.
#[utoipa::path(
    get,
    path = "/api/v1/analytics/trends",
    operation_id = "show_trends",
    tag = "analytics",
    params(TrendsParameters),
    responses((status = 200, description = "The buckets", body = TrendsView))
)]
pub(crate) async fn show(
    authorized: Authorized<PredictionsRead>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> HttpResponse {
    let action = log_action("TrendsController.show", async {
        let query = trends_request(&request, authorized.tenant())?;
        let trends = state.use_cases.trends.execute(query).await?;
        let mut reservation = state.body_memory.reserve();
        reservation.grow_to(estimate_trends_bytes(&trends))?;
        render_json(&state, reservation, HttpResponse::Ok(), move || present_trends(trends)).await
    });
    respond_in_time(&request, Box::pin(action)).await
}

/// Break predictions down
///
/// The groups of a range of time, the largest first, each compared with all others: its share of negative predictions
/// with an interval, and the z-score of the difference. The range is rounded outwards to quarters of an hour in UTC.
#[utoipa::path(
    get,
    path = "/api/v1/analytics/breakdown",
    operation_id = "break_down",
    tag = "analytics",
    params(BreakdownParameters),
    responses((status = 200, description = "The groups", body = BreakdownView))
)]
pub(crate) async fn break_down(
    authorized: Authorized<PredictionsRead>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> HttpResponse {
    let action = log_action("TrendsController.break_down", async {
        let query = breakdown_request(&request, authorized.tenant())?;
        let groups = state.use_cases.breakdown.execute(query).await?;
        Ok(HttpResponse::Ok().json(present_breakdown(groups)))
    });
    respond_in_time(&request, Box::pin(action)).await
}
