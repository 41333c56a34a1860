use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use application::action::log_action;
use application::dtos::{PredictItem, PredictSentimentBatchRequest, PredictSentimentResponse};
use domain::value_objects::Reference;

use crate::controllers::respond;
use crate::extractors::{BatchInput, BatchItemInput, Shaped, read_json, refuse_parameters, tenant};
use crate::presenters::{BatchView, PREDICTION_BYTES, present_batch_item};
use crate::problem::Problem;
use crate::render::render_json;
use crate::request_id::RequestId;
use crate::state::ApiState;

/// Judge many texts
///
/// The answers stand in the order of the items. An item that is not allowed fails alone; the others are kept
/// together.
#[utoipa::path(
    post,
    path = "/api/v1/predictions/batch",
    operation_id = "create_batch",
    tag = "predictions",
    request_body(content = BatchInput, example = json!({"items": [{"text": "I love it"}, {"text": "Never again", "ref": "review-18"}]})),
    responses((status = 200, description = "One answer or problem an item", body = BatchView))
)]
pub(crate) async fn create(request: HttpRequest, payload: Payload, state: Data<ApiState>) -> HttpResponse {
    let action = log_action("BatchController.create", async {
        refuse_parameters(&request)?;
        let limit = state.settings.max_batch_body_bytes;
        let (input, mut reservation) = read_json(&request, payload, &state, limit).await?;
        let BatchInput { items, model, options } = input;
        // Room for the response too, before the work is done: then it is too late to refuse it.
        reservation.grow_to(items.len() * PREDICTION_BYTES)?;
        let (entries, items) = split(items);
        let command = PredictSentimentBatchRequest { tenant: tenant(&request), items, model, options };
        let answers = state.use_cases.predict_batch.execute(command).await?.items;
        let request_id = RequestId::of(&request).to_string();
        let present = move || {
            let answers = answers.into_iter().map(|answer| answer.map_err(Problem::from));
            present(entries, answers, &request_id)
        };
        render_json(&state, reservation, HttpResponse::Ok(), present).await
    });
    respond(&request, Box::pin(action)).await
}

/// What is known of an item beside its text: the caller's own id, where it can be read, and the problem, where the
/// item is not even readable.
struct Entry {
    reference: Option<String>,
    refusal: Option<Problem>,
}

/// An entry for every value, and the items out of those that are readable.
fn split(values: Vec<Shaped>) -> (Vec<Entry>, Vec<PredictItem>) {
    let mut items = Vec::with_capacity(values.len());
    let entries = values.into_iter().map(|value| {
        let reference = value.get("ref").and_then(Shaped::as_str);
        let reference = reference.filter(|text| Reference::parse(*text).is_ok()).map(str::to_owned);
        let input = BatchItemInput::read(value);
        let refusal = input.map(|input| items.push(input.into())).err();
        Entry { reference, refusal }
    });
    (entries.collect(), items)
}

/// Each readable item takes the next of the answers; the others have their problem already.
fn present(
    entries: Vec<Entry>,
    mut answers: impl Iterator<Item = Result<PredictSentimentResponse, Problem>>,
    request_id: &str,
) -> BatchView {
    let items = entries.into_iter().enumerate().filter_map(|(index, entry)| {
        let outcome = entry.refusal.map_or_else(|| answers.next(), |problem| Some(Err(problem)))?;
        Some(present_batch_item(index, entry.reference, &outcome, request_id))
    });
    items.collect()
}
