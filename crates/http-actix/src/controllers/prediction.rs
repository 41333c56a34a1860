use actix_web::http::header::CACHE_STATUS;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use application::action::log_action;
use application::dtos::{DeletePredictionRequest, GetPredictionRequest};

use crate::controllers::respond;
use crate::extractors::{PredictionInput, list_request, prediction_id, read_json, refuse_parameters, tenant};
use crate::openapi::{ListParameters, PathId};
use crate::presenters::{
    PredictionPage, PredictionRecordView, PredictionView, estimate_bytes, present_cache_status, present_page,
    present_prediction, present_record,
};
use crate::render::render_json;
use crate::state::ApiState;

/// Judge one text
///
/// The answer is kept: when you see it, it is found again under its id. Where the same text was judged a short while
/// ago, the model need not read it again: the answer is a new one all the same, and says `cached`.
#[utoipa::path(
    post,
    path = "/api/v1/predictions",
    operation_id = "create_prediction",
    tag = "predictions",
    request_body(content = PredictionInput, example = json!({"text": "I love it", "ref": "review-17", "metadata": {"source": "app"}})),
    responses((
        status = 200,
        description = "The answer",
        body = PredictionView,
        headers((
            "Cache-Status" = String,
            description = "What the cache before the model did (RFC 9211): `undertone; hit`, or `undertone; fwd=miss; stored`; absent where it is turned off"
        ))
    ))
)]
pub(crate) async fn create(request: HttpRequest, payload: Payload, state: Data<ApiState>) -> HttpResponse {
    let action = log_action("PredictionController.create", async {
        refuse_parameters(&request)?;
        let limit = state.settings.max_body_bytes;
        let (input, reservation) = read_json::<PredictionInput>(&request, payload, &state, limit).await?;
        let answer = state.use_cases.predict.execute(input.into_request(tenant(&request))).await?;
        let mut response = HttpResponse::Ok();
        if state.settings.cache_status {
            response.insert_header((CACHE_STATUS, present_cache_status(&answer)));
        }
        render_json(&state, reservation, response, move || present_prediction(&answer)).await
    });
    respond(&request, Box::pin(action)).await
}

/// Page through the answers
///
/// Newest first. Following `next_cursor` to the end gives every answer that was kept before the first page and not
/// deleted since, once. Every condition given must hold.
#[utoipa::path(
    get,
    path = "/api/v1/predictions",
    operation_id = "list_predictions",
    tag = "predictions",
    params(ListParameters),
    responses((status = 200, description = "One page", body = PredictionPage))
)]
pub(crate) async fn list(request: HttpRequest, state: Data<ApiState>) -> HttpResponse {
    let action = log_action("PredictionController.list", async {
        let query = list_request(&request, tenant(&request))?;
        let page = state.use_cases.list.execute(query).await?;
        let mut reservation = state.body_memory.reserve();
        reservation.grow_to(page.items.iter().map(estimate_bytes).sum())?;
        render_json(&state, reservation, HttpResponse::Ok(), || present_page(page)).await
    });
    respond(&request, action).await
}

/// Look one answer up
#[utoipa::path(
    get,
    path = "/api/v1/predictions/{id}",
    operation_id = "get_prediction",
    tag = "predictions",
    params(PathId),
    responses((status = 200, description = "The answer and its text", body = PredictionRecordView))
)]
pub(crate) async fn get(request: HttpRequest, state: Data<ApiState>) -> HttpResponse {
    let action = log_action("PredictionController.get", async {
        refuse_parameters(&request)?;
        let query = GetPredictionRequest { tenant: tenant(&request), id: prediction_id(&request)? };
        let record = state.use_cases.get.execute(query).await?;
        let mut reservation = state.body_memory.reserve();
        reservation.grow_to(estimate_bytes(&record))?;
        render_json(&state, reservation, HttpResponse::Ok(), move || present_record(&record)).await
    });
    respond(&request, action).await
}

/// Delete one answer
///
/// It is gone for good when you see the 204; the second time there is nothing of the id.
#[utoipa::path(
    delete,
    path = "/api/v1/predictions/{id}",
    operation_id = "delete_prediction",
    tag = "predictions",
    params(PathId),
    responses((status = 204, description = "The answer is gone"))
)]
pub(crate) async fn delete(request: HttpRequest, state: Data<ApiState>) -> HttpResponse {
    let action = log_action("PredictionController.delete", async {
        refuse_parameters(&request)?;
        let command = DeletePredictionRequest { tenant: tenant(&request), id: prediction_id(&request)? };
        state.use_cases.delete.execute(command).await?;
        Ok(HttpResponse::NoContent().finish())
    });
    respond(&request, action).await
}
