use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use application::action::log_action;
use application::dtos::{Caller, LoadModelRequest, UnloadModelRequest};
use domain::value_objects::Scope;

use crate::access::{Authorized, ModelsRead, ModelsWrite};
use crate::controllers::{respond, respond_in_time};
use crate::extractors::{model_name, parse_model_spec, read_json, refuse_parameters};
use crate::openapi::PathModelName;
use crate::presenters::{ModelList, ModelView, present_model, present_models};
use crate::state::ApiState;

/// List the served models
#[utoipa::path(
    get,
    path = "/api/v1/models",
    operation_id = "list_models",
    tag = "models",
    responses((status = 200, description = "The models", body = ModelList))
)]
pub(crate) async fn list(
    authorized: Authorized<ModelsRead>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> HttpResponse {
    let action = log_action("ModelController.list", async {
        refuse_parameters(&request)?;
        let models = state.use_cases.models.execute().await?;
        Ok(HttpResponse::Ok().json(present_models(&models, may_change(authorized.caller()))))
    });
    respond_in_time(&request, action).await
}

/// Load a model
///
/// The model is loaded while the others are served, and is served under its name once it has passed its self-test. If
/// it replaces another model, that one still serves the requests in progress. The response is sent when the model is
/// served, which may take a while; loading continues if you disconnect earlier. Where the service requires no
/// authentication, only if the configuration allows it (`server.model_changes`); `server.model_sources` may bound where
/// models come from.
#[utoipa::path(
    post,
    path = "/api/v1/models/{name}",
    operation_id = "load_model",
    tag = "models",
    params(PathModelName),
    request_body(
        content = ref("#/components/schemas/ModelInput"),
        content_type = "application/json",
        example = json!({"path": "models/reviews-de", "labels": {"1 star": "negative", "5 stars": "positive"}})
    ),
    responses(
        (status = 200, description = "The model, which replaced another", body = ModelView),
        (status = 201, description = "The model, under a new name", body = ModelView)
    )
)]
pub(crate) async fn load(
    authorized: Authorized<ModelsWrite>,
    request: HttpRequest,
    payload: Payload,
    state: Data<ApiState>,
) -> HttpResponse {
    let action = log_action("ModelController.load", async {
        state.use_cases.load_model.allow()?;
        refuse_parameters(&request)?;
        let limit = state.settings.max_body_bytes;
        let (spec, _reservation) =
            read_json(&request, payload, &state, limit, |body| parse_model_spec(&body.json)).await?;
        let (tenant, actor) = (authorized.tenant(), authorized.actor(&request));
        let command = LoadModelRequest { name: model_name(&request), spec, tenant, actor };
        let use_cases = Arc::clone(&state.use_cases);
        // Loading may take longer than the timeout of a proxy.
        let loading = async move { use_cases.load_model.execute(command).await };
        let loaded = state.detached.run(loading).await??;
        let status = if loaded.replaced { StatusCode::OK } else { StatusCode::CREATED };
        Ok(HttpResponse::build(status).json(present_model(&loaded.model, true)))
    });
    respond(&request, Box::pin(action)).await
}

/// Whether the caller may know where models come from: as who may change them, where that needs a scope.
fn may_change(caller: &Caller) -> bool {
    caller.require(&[Scope::ModelsWrite]).is_ok()
}

/// Unload a model
///
/// New requests that name the model are refused. It still serves the requests in progress; then its memory is freed.
/// The default model cannot be unloaded. Where the service requires no authentication, only if the configuration allows
/// it (`server.model_changes`).
#[utoipa::path(
    delete,
    path = "/api/v1/models/{name}",
    operation_id = "unload_model",
    tag = "models",
    params(PathModelName),
    responses((status = 204, description = "The model is no longer served"))
)]
pub(crate) async fn unload(
    authorized: Authorized<ModelsWrite>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> HttpResponse {
    let action = log_action("ModelController.unload", async {
        state.use_cases.unload_model.allow()?;
        refuse_parameters(&request)?;
        let (tenant, actor) = (authorized.tenant(), authorized.actor(&request));
        let command = UnloadModelRequest { name: model_name(&request), tenant, actor };
        let use_cases = Arc::clone(&state.use_cases);
        // The line of the audit must not remain without its change.
        state.detached.run(async move { use_cases.unload_model.execute(command).await }).await??;
        Ok(HttpResponse::NoContent().finish())
    });
    respond(&request, action).await
}
