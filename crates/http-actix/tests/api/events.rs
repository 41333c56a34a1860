use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::Service as _;
use actix_web::test::{TestRequest, init_service};
use application::ports::{FeedEvent, FeedSignal};
use application::use_cases::FollowEventsUseCase;
use domain::value_objects::{EventId, PredictionId, Scope, TenantId, Timestamp};
use futures_util::poll;
use http_actix::api;
use serde_json::json;
use testkit::FakeEventFeed;
use tokio::time::{Instant, pause};

use crate::access::{key, service as with_authentication, with_key};
use crate::support::{Service, other_tasks_run};

const EVENTS: &str = "/api/v1/events";
const OPENING: &str = "retry: 1000\n: connected\n\n";

/// A service over a feed that the test sends.
fn service() -> (Service, FakeEventFeed) {
    over_feed(Service::new())
}

fn over_feed(mut service: Service) -> (Service, FakeEventFeed) {
    let feed = FakeEventFeed::default();
    let follow = FollowEventsUseCase::new(Arc::new(feed.clone()));
    service.change_use_cases(|use_cases| use_cases.follow_events = follow);
    (service, feed)
}

/// An open feed.
struct Open {
    body: Pin<Box<BoxBody>>,
}

impl Open {
    async fn start(service: &Service, request: TestRequest) -> Self {
        let app = init_service(api(service.state.clone())).await;
        let response = app.call(request.to_request()).await.unwrap();
        assert_eq!(response.status(), 200);
        Self { body: Box::pin(response.into_body().boxed()) }
    }

    /// The next part of the body; none at its end.
    async fn part(&mut self) -> Option<String> {
        let part = std::future::poll_fn(|context| self.body.as_mut().poll_next(context)).await?;
        Some(String::from_utf8(part.ok().unwrap().to_vec()).unwrap())
    }

    async fn is_silent(&mut self) -> bool {
        other_tasks_run().await;
        let part = std::future::poll_fn(|context| self.body.as_mut().poll_next(context));
        poll!(Box::pin(part)).is_pending()
    }
}

fn get(query: &str) -> TestRequest {
    TestRequest::get().uri(&format!("{EVENTS}{query}"))
}

fn event(position: i64, event_type: &str) -> Arc<FeedEvent> {
    let id = PredictionId::from_u128(7);
    Arc::new(FeedEvent {
        position,
        tenant: TenantId::default(),
        event_id: EventId::from_u128(u128::try_from(position).unwrap()),
        event_type: event_type.to_owned(),
        aggregate_type: "prediction".to_owned(),
        aggregate_id: id.to_string(),
        prediction_id: Some(id),
        occurred_at: Timestamp::from_micros(1_767_225_600_000_000),
        traceparent: None,
        facts: None,
        payload: json!({"sentiment": "positive", "created_at_us": 1_767_225_600_000_000_i64}).to_string(),
    })
}

const CREATED: &str = "id: 42\nevent: undertone.prediction.created\ndata: {\"specversion\":\"1.0\",\
    \"id\":\"00000000-0000-0000-0000-00000000002a\",\"source\":\"/api/v1/predictions\",\
    \"type\":\"undertone.prediction.created\",\"subject\":\"00000000-0000-0000-0000-000000000007\",\
    \"time\":\"2026-01-01T00:00:00.000000Z\",\"datacontenttype\":\"application/json\",\
    \"sequence\":\"0000000000000000042\",\
    \"data\":{\"created_at\":\"2026-01-01T00:00:00.000000Z\",\"sentiment\":\"positive\"}}\n\n";

#[actix_web::test]
async fn events_are_sent_as_they_happen() {
    let (service, feed) = service();
    let mut open = Open::start(&service, get("")).await;
    assert_eq!(open.part().await.as_deref(), Some(OPENING));
    // The position from which to resume comes at once.
    assert_eq!(open.part().await.as_deref(), Some(": heartbeat\nid: 0\n\n"));
    feed.send(FeedSignal::Events(vec![event(42, "SentimentPredicted")]));
    assert_eq!(open.part().await.as_deref(), Some(CREATED));
    feed.send(FeedSignal::Gap { purged: 50 });
    assert_eq!(open.part().await.as_deref(), Some("id: 50\nevent: gap\ndata: {\"purged\":50}\n\n"));
    assert!(open.is_silent().await);
    feed.send(FeedSignal::Ended);
    assert_eq!(open.part().await, None);
}

#[actix_web::test]
async fn a_feed_is_neither_compressed_nor_buffered_nor_cached() {
    let (service, feed) = service();
    feed.send(FeedSignal::Ended);
    let answer = service.send(get("").insert_header(("accept-encoding", "gzip, br"))).await;
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert_eq!(answer.header("content-encoding"), None);
    assert_eq!(answer.header("x-accel-buffering"), Some("no"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.text(), OPENING);
}

#[actix_web::test]
async fn the_head_of_a_feed_has_no_body() {
    let (service, _feed) = service();
    let answer = service.send(TestRequest::default().method(actix_web::http::Method::HEAD).uri(EVENTS)).await;
    assert_eq!((answer.status, answer.text()), (200, ""));
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
}

#[actix_web::test]
async fn a_client_resumes_after_the_last_event_that_it_has_received() {
    let (service, feed) = service();
    drop(Open::start(&service, get("")).await);
    drop(Open::start(&service, get("?last_event_id=7")).await);
    drop(Open::start(&service, get("?last_event_id=7").insert_header(("Last-Event-ID", "9"))).await);
    let tenant = TenantId::default;
    assert_eq!(feed.followed(), [(tenant(), None), (tenant(), Some(7)), (tenant(), Some(9))]);
}

#[actix_web::test]
async fn what_is_not_a_position_or_a_type_is_refused() {
    let (service, feed) = service();
    let malformed = |field: &str| (422, "malformed".to_owned(), Some(field.to_owned()));
    for bad in ["x", "-1", "1.5", "99999999999999999999"] {
        let by_header = service.send(get("").insert_header(("Last-Event-ID", bad))).await;
        assert_eq!(by_header.problem(), malformed("Last-Event-ID"), "{bad}");
        let by_parameter = service.send(get(&format!("?last_event_id={bad}"))).await;
        assert_eq!(by_parameter.problem(), malformed("last_event_id"), "{bad}");
    }
    let (status, code, _) = service.send(get("?types=SentimentPredicted")).await.problem();
    assert_eq!((status, code.as_str()), (422, "not_one_of"));
    let (status, code, _) = service.send(get("?color=red")).await.problem();
    assert_eq!((status, code.as_str()), (422, "unknown_parameter"));
    assert_eq!(feed.followed(), []);
}

#[actix_web::test]
async fn only_the_types_that_were_asked_for_are_sent_and_the_position_advances() {
    pause();
    let (service, feed) = service();
    let mut open = Open::start(&service, get("?types=undertone.prediction.deleted")).await;
    assert_eq!(open.part().await.as_deref(), Some(OPENING));
    assert_eq!(open.part().await.as_deref(), Some(": heartbeat\nid: 0\n\n"));
    feed.send(FeedSignal::Events(vec![event(42, "SentimentPredicted")]));
    let before = Instant::now();
    assert_eq!(open.part().await.as_deref(), Some(": heartbeat\nid: 42\n\n"));
    assert_eq!(before.elapsed().as_secs(), 15);
    feed.send(FeedSignal::Events(vec![event(43, "SentimentPredicted"), event(44, "PredictionDeleted")]));
    let part = open.part().await.unwrap();
    assert!(part.starts_with("id: 44\nevent: undertone.prediction.deleted\n"), "{part}");
}

#[actix_web::test]
async fn a_silent_feed_sends_heartbeats() {
    pause();
    let (service, _feed) = service();
    let mut open = Open::start(&service, get("?last_event_id=5")).await;
    assert_eq!(open.part().await.as_deref(), Some(OPENING));
    for seconds in [0, 15, 15] {
        let before = Instant::now();
        assert_eq!(open.part().await.as_deref(), Some(": heartbeat\nid: 5\n\n"));
        assert_eq!(before.elapsed().as_secs(), seconds);
    }
}

#[actix_web::test]
async fn a_store_that_does_not_respond_leaves_the_feed_open() {
    pause();
    let (service, feed) = service();
    let mut open = Open::start(&service, get("")).await;
    assert_eq!(open.part().await.as_deref(), Some(OPENING));
    assert_eq!(open.part().await.as_deref(), Some(": heartbeat\nid: 0\n\n"));
    for _ in 0..20 {
        feed.fail();
    }
    assert_eq!(open.part().await.as_deref(), Some(": heartbeat\nid: 0\n\n"));
    feed.send(FeedSignal::Events(vec![event(42, "SentimentPredicted")]));
    assert_eq!(open.part().await.as_deref(), Some(CREATED));
    service.assert_nothing_logged_at_error();
}

#[actix_web::test]
async fn too_many_followers_are_refused() {
    let (service, feed) = service();
    feed.saturate();
    let (status, code, _) = service.get(EVENTS).await.problem();
    assert_eq!((status, code.as_str()), (503, "saturated"));
}

#[actix_web::test]
async fn a_shutdown_ends_the_feed() {
    let (service, _feed) = service();
    let mut open = Open::start(&service, get("")).await;
    assert_eq!(open.part().await.as_deref(), Some(OPENING));
    open.part().await;
    assert!(open.is_silent().await);
    service.begin_to_shut_down();
    assert_eq!(open.part().await, None);
}

#[actix_web::test]
async fn the_end_of_a_key_ends_its_feed() {
    let (service, _feed) = over_feed(with_authentication());
    let admin = key(&service, &[Scope::KeysAdmin]).await;
    let leaked = key(&service, &[Scope::PredictionsRead]).await;
    let mut open = Open::start(&service, with_key(get(""), &leaked)).await;
    assert_eq!(open.part().await.as_deref(), Some(OPENING));
    open.part().await;
    assert!(open.is_silent().await);
    let path = format!("/api/v1/keys/{}", &leaked[3..15]);
    assert_eq!(service.send(with_key(TestRequest::delete().uri(&path), &admin)).await.status, 204);
    let ended = tokio::time::timeout(Duration::from_secs(5), open.part()).await;
    assert_eq!(ended.unwrap(), None);
}
