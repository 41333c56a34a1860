use std::sync::Arc;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use application::action::log_action;
use application::dtos::PredictSentimentBatchRequest;

use crate::access::{Authorized, PredictionsWrite};
use crate::controllers::{IDEMPOTENT_REPLAYED, respond};
use crate::extractors::{
    ArrivedBody, ClientTimeout, KeyedRequest, parse_batch, read_json, refuse_parameters, trace_parent,
};
use crate::presenters::{BatchView, PREDICTION_BYTES, present_batch};
use crate::render::render_json;
use crate::request_id::RequestId;
use crate::state::ApiState;

/// Classify many texts
///
/// The results are in the order of the items. An item that is not allowed fails alone; the predictions of the others
/// are stored together.
///
/// A request with an `Idempotency-Key` may be sent again for a day, and stores its predictions once however often it is
/// sent. Items that failed stay failed under their key.
#[utoipa::path(
    post,
    path = "/api/v1/predictions/batch",
    operation_id = "create_batch",
    tag = "predictions",
    request_body(
        content = ref("#/components/schemas/BatchInput"),
        content_type = "application/json",
        example = json!({"items": [{"text": "I love it"}, {"text": "Never again", "ref": "review-18"}]})
    ),
    responses((status = 200, description = "A prediction or a problem for each item", body = BatchView))
)]
pub(crate) async fn create(
    authorized: Authorized<PredictionsWrite>,
    request: HttpRequest,
    payload: Payload,
    state: Data<ApiState>,
) -> HttpResponse {
    let action = log_action("BatchController.create", async {
        refuse_parameters(&request)?;
        let (timeout, keyed) = (ClientTimeout::read(&request)?, KeyedRequest::read(&request)?);
        let (limit, owner) = (state.settings.max_batch_body_bytes, authorized.tenant());
        let (principal, is_keyed) = (authorized.principal(), keyed.is_some());
        let traceparent = trace_parent(&request);
        let parse = move |body: &ArrivedBody| {
            let (batch, entries) = parse_batch(&body.json, owner)?;
            let (time_limit, idempotency) =
                (timeout.since(body.at), keyed.map(|keyed| keyed.with_body(&body.json)));
            let terms =
                PredictSentimentBatchRequest { principal, time_limit, idempotency, traceparent, ..batch };
            Ok((terms, entries))
        };
        let ((batch, entries), mut reservation) = read_json(&request, payload, &state, limit, parse).await?;
        // Reserves the response's memory before the work is done: afterwards it is too late to refuse.
        reservation.grow_to(entries.len() * PREDICTION_BYTES)?;
        let (use_cases, permit) = (Arc::clone(&state.use_cases), authorized.permit());
        let work = async move {
            let _permit = permit;
            (use_cases.predict_batch.execute(batch).await, reservation)
        };
        let (answer, reservation) = if is_keyed { state.detached.run(work).await? } else { work.await };
        let (answer, mut response) = (answer?, HttpResponse::Ok());
        if answer.replayed {
            response.insert_header((IDEMPOTENT_REPLAYED, "true"));
        }
        let request_id = RequestId::of(&request).to_string();
        let present = move || present_batch(entries, answer.items, &request_id);
        render_json(&state, reservation, response, present).await
    });
    respond(&request, Box::pin(action)).await
}
