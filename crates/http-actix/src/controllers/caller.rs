use actix_web::{HttpRequest, HttpResponse};
use application::action::log_action;

use crate::access::{AnyCaller, Authorized};
use crate::controllers::respond_in_time;
use crate::extractors::refuse_parameters;
use crate::presenters::{CallerView, present_caller};

/// Describe the caller
///
/// The tenant, the scopes, the limits and the end of the key or token that the request has sent.
#[utoipa::path(
    get,
    path = "/api/v1/me",
    operation_id = "me",
    tag = "access",
    responses((status = 200, description = "The caller", body = CallerView))
)]
pub(crate) async fn me(authorized: Authorized<AnyCaller>, request: HttpRequest) -> HttpResponse {
    let action = log_action("CallerController.me", async {
        refuse_parameters(&request)?;
        Ok(HttpResponse::Ok().json(present_caller(authorized.caller(), authorized.principal().as_deref())))
    });
    respond_in_time(&request, action).await
}
