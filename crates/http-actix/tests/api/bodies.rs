//! Large bodies: the memory that they take, and that other requests are served meanwhile.

use std::cell::RefCell;
use std::pin::pin;
use std::task::{Context, Waker};

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, Service as _};
use actix_web::test::{TestRequest, init_service};
use actix_web::web::Bytes;
use futures_util::{StreamExt, future, stream};
use http_actix::{BodyMemory, api};
use serde_json::{Value, json};

use crate::support::{Answer, Service, answer_of};

const PREDICTIONS: &str = "/api/v1/predictions";
const BATCH: &str = "/api/v1/predictions/batch";
const GAUGE: &str = "http_body_memory_bytes{}";
const FREE: usize = 16 * 1024;

fn post(path: &str, body: impl Into<Bytes>) -> TestRequest {
    TestRequest::post().uri(path).insert_header(("content-type", "application/json")).set_payload(body)
}

async fn send(service: &Service, path: &str, body: String) -> Answer {
    service.send(post(path, body)).await
}

/// A service with 10 predictions of texts of 10,000 characters.
async fn with_long_texts() -> Service {
    let service = Service::new();
    for n in 0..10 {
        service.create(&json!({"text": format!("{n}").repeat(10_000)})).await;
    }
    service
}

/// Polls `large` and then a probe on one thread, and asserts that the probe is done first.
async fn answered_after_a_probe(service: &Service, large: TestRequest) -> Answer {
    let app = init_service(api(service.state.clone())).await;
    let (order, answer) = (RefCell::new(Vec::new()), RefCell::new(None));
    let call = async {
        let response = app.call(large.to_request()).await.unwrap();
        order.borrow_mut().push("large");
        *answer.borrow_mut() = Some(answer_of(response).await);
    };
    let probe = async {
        let live = TestRequest::get().uri("/health/live").to_request();
        assert_eq!(app.call(live).await.unwrap().status(), 200);
        order.borrow_mut().push("probe");
    };
    future::join(call, probe).await;
    assert_eq!(*order.borrow(), ["probe", "large"], "the thread was busy with the large request");
    answer.into_inner().unwrap()
}

#[actix_web::test]
async fn a_large_body_is_parsed_while_others_are_answered() {
    let service = Service::new();
    let nested = vec![r#"{"":{"":{}}}"#; 10_000].join(",");
    let answer = answered_after_a_probe(&service, post(BATCH, format!("{{\"items\":[{nested}]}}"))).await;
    assert_eq!(answer.problem(), (422, "too_many".into(), Some("items".into())));
    assert!(answer.text().contains("10000"), "{}", answer.text());
    let broken = answered_after_a_probe(&service, post(PREDICTIONS, "[".repeat(100_000))).await;
    assert_eq!(broken.problem(), (400, "malformed_json".into(), None));
}

#[actix_web::test]
async fn a_large_page_is_rendered_while_others_are_answered() {
    let service = with_long_texts().await;
    let page = answered_after_a_probe(&service, TestRequest::get().uri(PREDICTIONS)).await;
    assert_eq!(page.header("content-type"), Some("application/json"));
    assert_eq!(page.json()["items"].as_array().unwrap().len(), 10);
    assert_eq!(service.metrics.value(GAUGE), Some(0.0), "the page was read");
}

#[actix_web::test]
async fn memory_is_taken_as_bytes_arrive_and_released_with_the_response() {
    let service = Service::new();
    let arrived = stream::iter([Ok(Bytes::from(vec![b' '; FREE])), Ok(Bytes::from(vec![b' '; 1_000]))]);
    let app = init_service(api(service.state.clone())).await;
    let request = post(PREDICTIONS, "").insert_header(("content-length", 1_048_576));
    let body = Payload::from(arrived.chain(stream::pending()).boxed_local());
    let mut call = Box::pin(app.call(request.to_request().replace_payload(body).0));
    assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(service.metrics.value(GAUGE), Some(1_000.0));
    drop(call);
    assert_eq!(service.metrics.value(GAUGE), Some(0.0));

    let text = json!({"text": "a", "metadata": {"k": "x".repeat(100_000)}}).to_string();
    assert_eq!(send(&service, PREDICTIONS, text).await.status, 422);
    assert_eq!(service.metrics.value(GAUGE), Some(0.0));
}

#[actix_web::test]
async fn a_body_beyond_the_memory_is_a_503_and_a_small_one_is_answered() {
    let mut service = Service::with(|settings| settings.retry_after_s = 7);
    service.state.body_memory = BodyMemory::new(1_000);
    for (path, body) in [
        (PREDICTIONS, json!({"text": "a".repeat(FREE + 1_000)})),
        (BATCH, json!({"items": [{"text": "a".repeat(FREE + 1_000)}]})),
    ] {
        let refused = send(&service, path, body.to_string()).await;
        assert_eq!(refused.problem(), (503, "saturated".into(), None), "{path}");
        assert_eq!(refused.header("retry-after"), Some("7"));
    }
    assert_eq!(service.metrics.value("http_body_memory_refused_total{}"), Some(2.0));
    service.assert_nothing_logged_at_error();
    service.assert_nothing_stored();
    assert_eq!(send(&service, PREDICTIONS, json!({"text": "fine"}).to_string()).await.status, 200);
}

#[actix_web::test]
async fn pages_that_clients_do_not_read_are_bounded_together() {
    let mut service = with_long_texts().await;
    service.state.body_memory = BodyMemory::new(150_000);
    let app = init_service(api(service.state.clone())).await;
    let page = || app.call(TestRequest::get().uri(PREDICTIONS).to_request());
    let unread = page().await.unwrap();
    assert_eq!(unread.status(), 200);
    let refused = answer_of(page().await.unwrap()).await;
    assert_eq!(refused.problem(), (503, "saturated".into(), None));
    let small = TestRequest::get().uri("/api/v1/predictions?limit=1").to_request();
    assert_eq!(app.call(small).await.unwrap().status(), 200);

    // Its memory is taken until its last byte is sent.
    let mut body = Box::pin(unread.into_body());
    let mut bytes = 0;
    while let Some(part) = std::future::poll_fn(|context| body.as_mut().poll_next(context)).await {
        let part = part.ok().unwrap();
        assert!(part.len() <= 32 * 1024, "a part of {} bytes", part.len());
        bytes += part.len();
        assert!(service.metrics.value(GAUGE) > Some(80_000.0));
    }
    assert!(bytes > 100_000);
    drop(body);
    assert_eq!(page().await.unwrap().status(), 200);
}

#[actix_web::test]
async fn a_batch_is_refused_before_its_work_if_its_response_would_exceed_the_memory() {
    let mut service = Service::new();
    service.state.body_memory = BodyMemory::new(700_000);
    let items: Vec<Value> = (0..900).map(|n| json!({"text": n.to_string()})).collect();
    let body = json!({"items": items}).to_string();
    let app = init_service(api(service.state.clone())).await;
    let unread = app.call(post(BATCH, body.clone()).to_request()).await.unwrap();
    assert_eq!((unread.status().as_u16(), service.store.commits()), (200, 1));
    let refused = send(&service, BATCH, body.clone()).await;
    assert_eq!(refused.problem(), (503, "saturated".into(), None));
    assert_eq!(service.store.commits(), 1);
    drop(unread);
    assert_eq!(send(&service, BATCH, body).await.status, 200);
}

#[actix_web::test]
async fn a_line_beyond_the_memory_fails_alone() {
    let mut service = Service::new();
    service.state.body_memory = BodyMemory::new(1_000);
    let lines = format!("{}\n{}\n{}\n", json!({"text": "a"}), "x".repeat(FREE + 1_001), json!({"text": "b"}));
    let request = TestRequest::post()
        .uri("/api/v1/predictions/stream")
        .insert_header(("content-type", "application/x-ndjson"))
        .set_payload(lines);
    let answer = service.send(request).await;
    let lines: Vec<Value> = answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let statuses: Vec<_> = lines.iter().map(|line| line["status"].clone()).collect();
    assert_eq!(statuses, [json!(200), json!(503), json!(200), Value::Null]);
    assert_eq!(lines[1]["problem"]["code"], "saturated");
    assert_eq!(lines[3], json!({"done": true, "ok": 2, "failed": 1}));
}

#[actix_web::test]
async fn lines_take_memory_until_their_results_are_sent() {
    let service = Service::new();
    service.model.hold_all();
    let line = |n: usize| json!({"text": format!("{n}{}", "x".repeat(9_000))}).to_string();
    let body = (0..10).map(line).collect::<Vec<_>>().join("\n");
    let request = TestRequest::post()
        .uri("/api/v1/predictions/stream")
        .insert_header(("content-type", "application/x-ndjson"))
        .set_payload(body);
    let app = init_service(api(service.state.clone())).await;
    let response = app.call(request.to_request()).await.unwrap();
    let mut body = pin!(response.into_body());
    let mut context = Context::from_waker(Waker::noop());
    while service.model.in_work() < 10 {
        assert!(body.as_mut().poll_next(&mut context).is_pending());
        actix_web::rt::task::yield_now().await;
    }
    assert!(service.metrics.value(GAUGE) > Some(70_000.0), "{}", service.metrics.text());
    service.model.release_all();
    while std::future::poll_fn(|context| body.as_mut().poll_next(context)).await.is_some() {}
    assert_eq!(service.metrics.value(GAUGE), Some(0.0));
}
