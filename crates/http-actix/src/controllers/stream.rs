use std::future::ready;
use std::panic::AssertUnwindSafe;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING};
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{Error, HttpRequest, HttpResponse};
use application::action::log_action;
use application::dtos::PredictSentimentRequest;
use domain::value_objects::TenantId;
use futures_util::{Stream, StreamExt, stream};
use serde::Serialize;

use crate::controllers::{report_panic, respond};
use crate::extractors::{
    FromJson, Line, LineFeed, LineLimits, LineMemory, NDJSON, PredictionInput, line_feed, refuse_parameters,
    require_media_type, tenant,
};
use crate::offload::Offload;
use crate::presenters::{LineCounts, present_end, present_line};
use crate::problem::Problem;
use crate::request_id::RequestId;
use crate::state::ApiState;

/// Judge texts as they come
///
/// One JSON object a line, each as the body of `POST /api/v1/predictions`. One line comes back for each that is
/// not blank, in their order, after its answer is kept: `{"index", "status", "prediction" | "problem"}`. At most
/// 64 lines are in work; beyond them reading waits, so read the answers while you send. The last line is
/// `{"done": true, "ok", "failed"}`; where it is missing, the stream broke. `{"done": false, "reason", "ok", "failed"}`
/// means that the service took no more lines: it is shutting down (`shutting_down`), or the next line did not arrive in
/// time (`request_timeout`); the lines beyond `ok` + `failed` may be sent again.
#[utoipa::path(
    post,
    path = "/api/v1/predictions/stream",
    operation_id = "stream_predictions",
    tag = "predictions",
    request_body(
        content = String,
        content_type = "application/x-ndjson",
        description = "Lines of `PredictionInput`",
        example = "{\"text\":\"I love it\"}\n{\"text\":\"Never again\"}\n"
    ),
    responses((
        status = 200,
        description = "Lines of `StreamLine`, then one `StreamEnd`",
        body = String,
        content_type = "application/x-ndjson"
    ))
)]
pub(crate) async fn create(request: HttpRequest, payload: Payload, state: Data<ApiState>) -> HttpResponse {
    let action = log_action("StreamController.create", async {
        refuse_parameters(&request)?;
        require_media_type(&request, NDJSON)?;
        let limits = LineLimits {
            bytes: state.settings.max_line_bytes,
            idle: state.settings.stream_idle_timeout,
            shutting_down: state.shutting_down.clone(),
        };
        let LineFeed { pump, lines, unfinished, memory } =
            line_feed(payload, limits, LineMemory::of(&state.body_memory));
        let tenant = tenant(&request);
        let offload = state.offload.clone();
        let lines = lines.then(move |line| read_line(line, tenant.clone(), offload.clone()));
        let answers = state.use_cases.stream.execute(lines).await?;
        let request_id = RequestId::of(&request);
        let mut counts = LineCounts::default();
        // The pump gives nothing itself; it is polled beside the answers for as long as they are wanted.
        let pump = stream::once(pump).filter_map(|()| ready(None));
        let events = stream::select(pump, answers.map(Event::Answer)).chain(stream::once(ready(Event::End)));
        // A bug ends the response without its last line.
        let events = AssertUnwindSafe(events).catch_unwind();
        let route = request.match_pattern();
        let body = events.filter_map(move |event| {
            let event = event.unwrap_or_else(|panic| {
                report_panic(route.as_deref(), panic.as_ref());
                Event::Broken
            });
            ready(match event {
                Event::Answer(outcome) => {
                    memory.line_done();
                    let index = counts.ok + counts.failed;
                    *if outcome.is_ok() { &mut counts.ok } else { &mut counts.failed } += 1;
                    Some(line(&present_line(index, &outcome, &request_id)))
                }
                Event::Broken => None,
                Event::End => present_end(counts, unfinished.get()).map(|end| line(&end)),
            })
        });
        Ok(streamed(body))
    });
    respond(&request, action).await
}

enum Event<A> {
    Answer(A),
    Broken,
    End,
}

async fn read_line(
    line: Line,
    tenant: TenantId,
    offload: Offload,
) -> Result<PredictSentimentRequest, Problem> {
    let line = line?;
    let length = line.len();
    let input = offload.run(length, move || PredictionInput::parse(&line)).await??;
    Ok(input.into_request(tenant))
}

/// One line of the answer.
fn line(value: &impl Serialize) -> Result<Bytes, Error> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line.into())
}

/// A response that passes every proxy line by line: neither compressed nor buffered nor cached.
fn streamed(body: impl Stream<Item = Result<Bytes, Error>> + 'static) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(NDJSON)
        .insert_header((CONTENT_ENCODING, "identity"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(body)
}
