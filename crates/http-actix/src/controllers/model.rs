use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use application::action::log_action;

use crate::controllers::respond;
use crate::extractors::refuse_parameters;
use crate::presenters::{ModelList, present_models};
use crate::state::ApiState;

/// Tell which models are loaded
#[utoipa::path(
    get,
    path = "/api/v1/models",
    operation_id = "list_models",
    tag = "models",
    responses((status = 200, description = "The models", body = ModelList))
)]
pub(crate) async fn list(request: HttpRequest, state: Data<ApiState>) -> HttpResponse {
    let action = log_action("ModelController.list", async {
        refuse_parameters(&request)?;
        let models = state.use_cases.models.execute().await?;
        Ok(HttpResponse::Ok().json(present_models(&models)))
    });
    respond(&request, action).await
}
