use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use application::action::{chain, log_action};
use application::dtos::{Caller, FollowEventsRequest};
use application::errors::ApplicationError;
use application::ports::{FeedFollower, FeedSignal};
use futures_util::{FutureExt, StreamExt, stream};
use tokio::time::{Instant, sleep};

use crate::access::{Authorized, PredictionsRead, REVALIDATE_EVERY};
use crate::connection::ConnectionState;
use crate::controllers::streamed::streamed;
use crate::controllers::{report_panic, respond};
use crate::extractors::follow_request;
use crate::openapi::EventParameters;
use crate::presenters::{EventFrames, EventType, present_gap, present_heartbeat, present_opening};
use crate::state::ApiState;

/// The media type of Server-Sent Events.
const EVENT_STREAM: &str = "text/event-stream";

/// The longest silence on a feed.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The pause after a failure of the store.
const RETRY: Duration = Duration::from_secs(1);

/// Follow what happens
///
/// Server-Sent Events (`text/event-stream`) of your tenant, from now on or after the position that `Last-Event-ID`
/// names. Each event has its position as `id`, its type as `event`, and as `data` one line of JSON: a CloudEvent
/// (version 1.0) without any text. The event `gap` has the data `{"purged": N}`: events up to the position N are gone.
/// Comments come at least every 15 seconds, with the position that was passed as `id`. The response ends when the
/// service shuts down or the key or token ends; reconnect to any replica with the last `id`.
#[utoipa::path(
    get,
    path = "/api/v1/events",
    operation_id = "follow_events",
    tag = "events",
    params(EventParameters),
    responses((
        status = 200,
        description = "Server-Sent Events, each with a `CloudEvent` as its data",
        body = String,
        content_type = "text/event-stream",
        example = "id: 42\nevent: undertone.prediction.deleted\ndata: {\"specversion\":\"1.0\"}\n\n"
    ))
)]
pub(crate) async fn follow(
    authorized: Authorized<PredictionsRead>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> HttpResponse {
    let action = log_action("EventController.follow", async {
        let (after, types) = follow_request(&request)?;
        let follow = FollowEventsRequest { tenant: authorized.tenant(), after };
        let follower = state.use_cases.follow_events.execute(follow).await?;
        if request.method() == Method::HEAD {
            return Ok(streamed(EVENT_STREAM, stream::empty()));
        }
        if let Some(connection) = request.conn_data::<ConnectionState>() {
            // A client that does not read is not waited for.
            connection.stop_sending_after(shut_down(state.clone()).boxed_local());
        }
        let stop = stop(state.clone(), Rc::clone(authorized.caller()));
        let feed = Feed { follower, types, frames: state.event_frames.clone(), place: None, written: None };
        let parts = stream::once(async { present_opening() }).chain(stream::unfold(feed, Feed::part));
        let route = request.match_pattern();
        let body =
            AssertUnwindSafe(parts.take_until(Box::pin(stop))).catch_unwind().filter_map(move |part| {
                let part = part.inspect_err(|panic| report_panic(route.as_deref(), panic.as_ref()));
                std::future::ready(part.ok().map(Ok))
            });
        Ok(streamed(EVENT_STREAM, body))
    });
    respond(&request, Box::pin(action)).await
}

/// A feed that is being sent to a client. It has at most the events of one signal in memory.
struct Feed {
    follower: Box<dyn FeedFollower>,
    /// The types of events to send; all without them.
    types: Option<Vec<EventType>>,
    frames: EventFrames,
    /// The position that was passed.
    place: Option<i64>,
    /// When something was sent last; none where nothing was, so that the first heartbeat, which has the position from
    /// which to resume, is sent at once.
    written: Option<Instant>,
}

impl Feed {
    /// Returns the next part of the body, and the feed; none at its end.
    async fn part(mut self) -> Option<(Bytes, Self)> {
        let part = loop {
            let silence = self.written.map_or(HEARTBEAT, |written| written.elapsed());
            let left = HEARTBEAT.saturating_sub(silence);
            let part = match self.follower.next(left).await {
                Ok(FeedSignal::Events(events)) => {
                    self.place = events.last().map(|event| event.position).or(self.place);
                    self.frames.present(&events, self.types.as_deref())
                }
                Ok(FeedSignal::Gap { purged }) => {
                    self.place = Some(purged);
                    present_gap(purged)
                }
                Ok(FeedSignal::Heartbeat { position }) => {
                    self.place = Some(position);
                    Bytes::new()
                }
                Ok(FeedSignal::Ended) => return None,
                Err(error) => {
                    // The reader of the feed has logged it, as has the health check.
                    tracing::debug!(error = chain(&error), "a follower cannot read the feed of events");
                    sleep(RETRY.min(left)).await;
                    Bytes::new()
                }
            };
            if !part.is_empty() {
                break part;
            }
            if self.written.is_none_or(|written| written.elapsed() >= HEARTBEAT) {
                break present_heartbeat(self.place);
            }
        };
        self.written = Some(Instant::now());
        Some((part, self))
    }
}

/// Returns when the feed is to end.
async fn stop(state: Data<ApiState>, caller: Rc<Caller>) {
    tokio::select! {
        () = shut_down(state.clone()) => {}
        () = caller_refused(&state, &caller) => {}
    }
}

async fn shut_down(state: Data<ApiState>) {
    let mut shutting_down = state.shutting_down.clone();
    if shutting_down.wait_for(|is_shutting_down| *is_shutting_down).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Returns once the caller would no longer be accepted. While the store that knows the keys does not respond, no event
/// can be read either, so the feed stays open.
async fn caller_refused(state: &ApiState, caller: &Caller) {
    let Some(revalidate) = &state.use_cases.revalidate else { return std::future::pending().await };
    loop {
        sleep(REVALIDATE_EVERY).await;
        if let Err(ApplicationError::Unauthenticated { .. } | ApplicationError::TenantDisabled) =
            revalidate.execute(caller).await
        {
            return;
        }
    }
}
