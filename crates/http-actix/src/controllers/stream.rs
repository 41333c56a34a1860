use std::future::ready;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Instant;

use actix_web::web::{Bytes, Data, Payload};
use actix_web::{Error, HttpRequest, HttpResponse};
use application::action::log_action;
use application::dtos::{Caller, PredictSentimentRequest, TimeLimit};
use domain::value_objects::{TenantId, TraceParent};
use futures_util::{StreamExt, stream};
use serde::Serialize;
use tokio::sync::watch;

use crate::access::{Authorized, PredictionsWrite};
use crate::controllers::streamed::streamed;
use crate::controllers::{report_panic, respond};
use crate::extractors::{
    ClientTimeout, Line, LineFeed, LineLimits, LineMemory, NDJSON, Unfinished, line_feed, parse_prediction,
    refuse_key, refuse_parameters, require_media_type, trace_parent,
};
use crate::offload::Offload;
use crate::presenters::{LineCounts, present_end, present_line};
use crate::problem::Problem;
use crate::request_id::RequestId;
use crate::revalidation::{StreamPrincipal, caller_refused};
use crate::state::ApiState;

/// Classify a stream of texts
///
/// Each line is a JSON object like the body of `POST /api/v1/predictions`. The response has one line for each line that
/// is not blank, in the same order, sent after its prediction is stored:
/// `{"index", "status", "prediction" | "problem"}`. At most 64 lines are in progress at once, and the service reads no
/// further while you do not read its response, so read while you send. The last line is
/// `{"done": true, "ok", "failed"}`; without it the response is incomplete. `{"done": false, "reason", "ok", "failed"}`
/// means that the service read no more lines: it is shutting down (`shutting_down`), the next line did not arrive in
/// time (`request_timeout`), the key or token has ended (`unauthenticated`), or the store that knows the keys does not
/// respond (`unavailable`); the lines after the first `ok` + `failed` may be sent again.
///
/// Lines wait while the rate of texts is used up. `X-Request-Timeout-Ms` is the time of each line, from its entry into
/// the model's queue.
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
pub(crate) async fn create(
    authorized: Authorized<PredictionsWrite>,
    request: HttpRequest,
    payload: Payload,
    state: Data<ApiState>,
) -> HttpResponse {
    let action = log_action("StreamController.create", async {
        refuse_parameters(&request)?;
        refuse_key(&request, "cannot be sent with a stream, whose lines are stored one by one")?;
        let time_limit = ClientTimeout::read(&request)?.since(Instant::now());
        require_media_type(&request, NDJSON)?;
        let (current, principal) = watch::channel(authorized.principal());
        let limits = LineLimits {
            bytes: state.settings.max_line_bytes,
            idle: state.settings.stream_idle_timeout,
            stop: Box::pin(stop(state.clone(), Rc::clone(authorized.caller()), current)),
        };
        let LineFeed { pump, lines, unfinished, memory } =
            line_feed(payload, limits, LineMemory::of(&state.body_memory));
        let terms = LineTerms {
            tenant: authorized.tenant(),
            principal,
            time_limit,
            traceparent: trace_parent(&request),
        };
        let offload = state.offload.clone();
        let lines = lines.then(move |line| read_line(line, terms.clone(), offload.clone()));
        let outcomes = state.use_cases.stream.execute(lines).await?;
        let request_id = RequestId::of(&request);
        let mut counts = LineCounts::default();
        // The pump yields no items; it is polled together with the outcomes.
        let pump = stream::once(pump).filter_map(|()| ready(None));
        let events =
            stream::select(pump, outcomes.map(Event::Outcome)).chain(stream::once(ready(Event::End)));
        // A panic ends the response without its last line.
        let events = AssertUnwindSafe(events).catch_unwind();
        let route = request.match_pattern();
        let body = events.filter_map(move |event| {
            let event = event.unwrap_or_else(|panic| {
                report_panic(route.as_deref(), panic.as_ref());
                Event::Broken
            });
            ready(match event {
                Event::Outcome(outcome) => {
                    memory.line_done();
                    let index = counts.ok + counts.failed;
                    *if outcome.is_ok() { &mut counts.ok } else { &mut counts.failed } += 1;
                    Some(line(&present_line(index, &outcome, &request_id)))
                }
                Event::Broken => None,
                Event::End => present_end(counts, unfinished.get()).map(|end| line(&end)),
            })
        });
        Ok(streamed(NDJSON, body))
    });
    respond(&request, Box::pin(action)).await
}

/// Refreshes `principal`, and returns when the service reads no further line of the stream, and why.
async fn stop(
    state: Data<ApiState>,
    caller: Rc<Caller>,
    principal: watch::Sender<StreamPrincipal>,
) -> Unfinished {
    let mut shutting_down = state.shutting_down.clone();
    let shut_down = shutting_down.wait_for(|is_shutting_down| *is_shutting_down);
    tokio::select! {
        biased;
        Ok(_) = shut_down => Unfinished::ShuttingDown,
        refused = caller_refused(&state, &caller, &principal) => refused,
    }
}

enum Event<O> {
    Outcome(O),
    Broken,
    End,
}

/// What the requests of all lines of a stream have in common.
#[derive(Clone)]
struct LineTerms {
    tenant: TenantId,
    principal: watch::Receiver<StreamPrincipal>,
    time_limit: TimeLimit,
    traceparent: Option<TraceParent>,
}

/// Reads a line as a request.
async fn read_line(
    line: Line,
    terms: LineTerms,
    offload: Offload,
) -> Result<PredictSentimentRequest, Problem> {
    let line = line?;
    let length = line.len();
    let LineTerms { tenant, principal, time_limit, traceparent } = terms;
    let command = offload.run(length, move || parse_prediction(&line, tenant)).await??;
    let principal = principal.borrow().clone();
    Ok(PredictSentimentRequest { principal, time_limit, traceparent, ..command })
}

/// Returns one line of the response.
fn line(value: &impl Serialize) -> Result<Bytes, Error> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line.into())
}
