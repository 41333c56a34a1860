use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use application::action::log_action;

use crate::access::{Authorized, PredictionsWrite};
use crate::controllers::respond;
use crate::extractors::{parse_batch, read_json, refuse_parameters};
use crate::presenters::{BatchView, PREDICTION_BYTES, present_batch};
use crate::render::render_json;
use crate::request_id::RequestId;
use crate::state::ApiState;

/// Classify many texts
///
/// The results are in the order of the items. An item that is not allowed fails alone; the predictions of the others
/// are stored together.
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
        let (limit, owner) = (state.settings.max_batch_body_bytes, authorized.tenant());
        let parse = |json: &[u8]| parse_batch(json, owner);
        let ((batch, entries), mut reservation) = read_json(&request, payload, &state, limit, parse).await?;
        // Reserves the response's memory before the work is done: afterwards it is too late to refuse.
        reservation.grow_to(entries.len() * PREDICTION_BYTES)?;
        let outcomes = state.use_cases.predict_batch.execute(batch).await?.items;
        let request_id = RequestId::of(&request).to_string();
        let present = move || present_batch(entries, outcomes, &request_id);
        render_json(&state, reservation, HttpResponse::Ok(), present).await
    });
    respond(&request, Box::pin(action)).await
}
