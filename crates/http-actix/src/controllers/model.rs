use std::panic::resume_unwind;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use application::action::log_action;
use application::dtos::{LoadModelRequest, UnloadModelRequest};
use application::ports::LoadedModel;
use tracing::Instrument;

use crate::controllers::respond;
use crate::extractors::{ModelInput, model_name, read_json, refuse_parameters};
use crate::openapi::PathModelName;
use crate::presenters::{ModelList, ModelView, present_model, present_models};
use crate::problem::{Problem, ProblemCode};
use crate::state::ApiState;

/// Tell which models are served
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

/// Load a model
///
/// It is loaded beside those that are served and takes its name when it passed its self-test; where another had the
/// name, requests in flight are still answered by that one. The answer comes when it is served, which may take a while;
/// the loading goes on when you hang up before. Only where the configuration allows it (`server.model_changes`).
#[utoipa::path(
    post,
    path = "/api/v1/models/{name}",
    operation_id = "load_model",
    tag = "models",
    params(PathModelName),
    request_body(content = ModelInput, example = json!({"path": "models/reviews-de", "labels": {"1 star": "negative", "5 stars": "positive"}})),
    responses(
        (status = 200, description = "The model, which took the place of another", body = ModelView),
        (status = 201, description = "The model, whose name is new", body = ModelView)
    )
)]
pub(crate) async fn load(request: HttpRequest, payload: Payload, state: Data<ApiState>) -> HttpResponse {
    let action = log_action("ModelController.load", async {
        state.use_cases.load_model.allow()?;
        refuse_parameters(&request)?;
        let limit = state.settings.max_body_bytes;
        let (spec, _reservation) = read_json(&request, payload, &state, limit).await?;
        let command = LoadModelRequest { name: model_name(&request), spec };
        let loaded = load_to_the_end(&state, command).await?;
        let status = if loaded.replaced { StatusCode::OK } else { StatusCode::CREATED };
        Ok(HttpResponse::build(status).json(present_model(&loaded.model)))
    });
    respond(&request, action).await
}

/// Loads a model whether or not the caller waits for it: proxies have less patience than models need.
async fn load_to_the_end(state: &Data<ApiState>, command: LoadModelRequest) -> Result<LoadedModel, Problem> {
    let use_cases = Arc::clone(&state.use_cases);
    let loading = async move { use_cases.load_model.execute(command).await };
    match actix_web::rt::spawn(loading.in_current_span()).await {
        Ok(loaded) => Ok(loaded?),
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => Err(Problem::new(ProblemCode::Unavailable)),
        },
    }
}

/// Unload a model
///
/// New requests that name it are refused from now on; those in flight are still answered by it, and then its memory is
/// given back. The default model stays. Only where the configuration allows it (`server.model_changes`).
#[utoipa::path(
    delete,
    path = "/api/v1/models/{name}",
    operation_id = "unload_model",
    tag = "models",
    params(PathModelName),
    responses((status = 204, description = "The model is served no more"))
)]
pub(crate) async fn unload(request: HttpRequest, state: Data<ApiState>) -> HttpResponse {
    let action = log_action("ModelController.unload", async {
        state.use_cases.unload_model.allow()?;
        refuse_parameters(&request)?;
        let command = UnloadModelRequest { name: model_name(&request) };
        state.use_cases.unload_model.execute(command).await?;
        Ok(HttpResponse::NoContent().finish())
    });
    respond(&request, action).await
}
