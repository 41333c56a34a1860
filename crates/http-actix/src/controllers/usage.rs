use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use application::action::log_action;
use application::ports::Principal;

use crate::access::{AnyCaller, Authorized};
use crate::controllers::respond_in_time;
use crate::extractors::refuse_parameters;
use crate::presenters::{UsageView, present_usage};
use crate::state::ApiState;

/// Report what was used
///
/// The texts of this day (UTC) and what is left of the limits of the tenant and of the caller. Rates and concurrent
/// requests are those of the replica that responds; the texts of the day are those of all replicas.
#[utoipa::path(
    get,
    path = "/api/v1/usage",
    operation_id = "get_usage",
    tag = "access",
    responses((status = 200, description = "The usage and the limits", body = UsageView))
)]
pub(crate) async fn show(
    authorized: Authorized<AnyCaller>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> HttpResponse {
    let action = log_action("UsageController.show", async {
        refuse_parameters(&request)?;
        let unlimited = || Principal::unlimited(authorized.tenant()).into();
        let principal = authorized.principal().unwrap_or_else(unlimited);
        let usage = state.use_cases.usage.execute(&principal).await?;
        Ok(HttpResponse::Ok().json(present_usage(&usage)))
    });
    respond_in_time(&request, action).await
}
