use std::sync::Arc;
use std::time::Instant;

use actix_web::http::header::{CACHE_STATUS, HeaderName};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use application::action::log_action;
use application::dtos::{DeletePredictionRequest, GetPredictionRequest, PredictSentimentRequest};

use crate::access::{Authorized, PredictionsDelete, PredictionsRead, PredictionsWrite};
use crate::controllers::{respond, respond_in_time};
use crate::extractors::{
    ArrivedBody, ClientTimeout, KeyedRequest, list_request, parse_prediction, prediction_id, read_json,
    refuse_parameters, trace_parent,
};
use crate::openapi::{ListParameters, PathId};
use crate::presenters::{
    PredictionPage, PredictionRecordView, PredictionView, estimate_bytes, present_cache_status, present_page,
    present_prediction, present_record,
};
use crate::render::render_json;
use crate::state::ApiState;

/// The header of a response that repeats the first one to the request.
pub(crate) const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Classify a text
///
/// The prediction is stored under its id before the response is sent. If the same text was classified a short while
/// ago, the model's output may come from a cache: the prediction is a new one all the same, and `cached` is true.
///
/// A request with an `Idempotency-Key` may be sent again for a day, and stores one prediction however often it is sent.
#[utoipa::path(
    post,
    path = "/api/v1/predictions",
    operation_id = "create_prediction",
    tag = "predictions",
    request_body(
        content = ref("#/components/schemas/PredictionInput"),
        content_type = "application/json",
        example = json!({"text": "I love it", "ref": "review-17", "metadata": {"source": "app"}})
    ),
    responses((
        status = 200,
        description = "The prediction",
        body = PredictionView,
        headers((
            "Cache-Status" = String,
            description = "Whether the model's output came from the cache (RFC 9211): `undertone; hit`, or \
                           `undertone; fwd=miss; stored`; absent if the cache is turned off"
        ))
    ))
)]
pub(crate) async fn create(
    authorized: Authorized<PredictionsWrite>,
    request: HttpRequest,
    payload: Payload,
    state: Data<ApiState>,
) -> HttpResponse {
    let action = log_action("PredictionController.create", async {
        refuse_parameters(&request)?;
        let (timeout, keyed) = (ClientTimeout::read(&request)?, KeyedRequest::read(&request)?);
        let (limit, owner) = (state.settings.max_body_bytes, authorized.tenant());
        let (principal, is_keyed) = (authorized.principal(), keyed.is_some());
        let traceparent = trace_parent(&request);
        let parse = move |body: &ArrivedBody| {
            let command = parse_prediction(&body.json, owner)?;
            let (time_limit, idempotency) =
                (timeout.since(body.at), keyed.map(|keyed| keyed.with_body(&body.json)));
            Ok(PredictSentimentRequest { principal, time_limit, idempotency, traceparent, ..command })
        };
        let (command, reservation) = read_json(&request, payload, &state, limit, parse).await?;
        let (use_cases, permit) = (Arc::clone(&state.use_cases), authorized.permit());
        let work = async move {
            let _permit = permit;
            (use_cases.predict.execute(command).await, reservation)
        };
        let (answer, reservation) = if is_keyed { state.detached.run(work).await? } else { work.await };
        let answer = answer?;
        let (prediction, mut response) = (answer.response, HttpResponse::Ok());
        if answer.replayed {
            response.insert_header((IDEMPOTENT_REPLAYED, "true"));
        }
        if state.settings.cache_status {
            response.insert_header((CACHE_STATUS, present_cache_status(&prediction)));
        }
        render_json(&state, reservation, response, move || present_prediction(&prediction)).await
    });
    respond(&request, Box::pin(action)).await
}

/// List predictions
///
/// Newest first. Following `next_cursor` to the end returns every prediction that was stored before the first page and
/// not deleted since, once. A prediction must meet all the conditions given.
#[utoipa::path(
    get,
    path = "/api/v1/predictions",
    operation_id = "list_predictions",
    tag = "predictions",
    params(ListParameters),
    responses((status = 200, description = "One page of predictions", body = PredictionPage))
)]
pub(crate) async fn list(
    authorized: Authorized<PredictionsRead>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> HttpResponse {
    let action = log_action("PredictionController.list", async {
        let query = list_request(&request, authorized.tenant())?;
        let page = state.use_cases.list.execute(query).await?;
        let mut reservation = state.body_memory.reserve();
        reservation.grow_to(page.items.iter().map(estimate_bytes).sum())?;
        render_json(&state, reservation, HttpResponse::Ok(), || present_page(page)).await
    });
    respond_in_time(&request, Box::pin(action)).await
}

/// Read a prediction
#[utoipa::path(
    get,
    path = "/api/v1/predictions/{id}",
    operation_id = "get_prediction",
    tag = "predictions",
    params(PathId),
    responses((status = 200, description = "The prediction and its text", body = PredictionRecordView))
)]
pub(crate) async fn get(
    authorized: Authorized<PredictionsRead>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> HttpResponse {
    let action = log_action("PredictionController.get", async {
        refuse_parameters(&request)?;
        let query = GetPredictionRequest { tenant: authorized.tenant(), id: prediction_id(&request)? };
        let record = state.use_cases.get.execute(query).await?;
        let mut reservation = state.body_memory.reserve();
        reservation.grow_to(estimate_bytes(&record))?;
        render_json(&state, reservation, HttpResponse::Ok(), move || present_record(&record)).await
    });
    respond_in_time(&request, Box::pin(action)).await
}

/// Delete a prediction
///
/// The deletion is permanent before the response is sent. A second deletion of the same id returns 404.
#[utoipa::path(
    delete,
    path = "/api/v1/predictions/{id}",
    operation_id = "delete_prediction",
    tag = "predictions",
    params(PathId),
    responses((status = 204, description = "The prediction is deleted"))
)]
pub(crate) async fn delete(
    authorized: Authorized<PredictionsDelete>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> HttpResponse {
    let action = log_action("PredictionController.delete", async {
        refuse_parameters(&request)?;
        let (tenant, actor) = (authorized.tenant(), authorized.actor(&request));
        let time_limit = ClientTimeout::read(&request)?.since(Instant::now());
        let (id, traceparent) = (prediction_id(&request)?, trace_parent(&request));
        let command = DeletePredictionRequest { tenant, id, actor, time_limit, traceparent };
        state.use_cases.delete.execute(command).await?;
        Ok(HttpResponse::NoContent().finish())
    });
    respond(&request, action).await
}
