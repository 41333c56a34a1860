use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use actix_web::body::MessageBody;
use actix_web::dev::Payload;
use actix_web::dev::Service as _;
use actix_web::error::PayloadError;
use actix_web::test::{TestRequest, init_service};
use actix_web::web::Bytes;
use futures_util::{StreamExt, stream};
use http_actix::api;
use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::{Answer, FAILS, Service};

const STREAM: &str = "/api/v1/predictions/stream";

fn ndjson(body: impl Into<Bytes>) -> TestRequest {
    TestRequest::post().uri(STREAM).insert_header(("content-type", "application/x-ndjson")).set_payload(body)
}

fn lines(answer: &Answer) -> Vec<Value> {
    let text = std::str::from_utf8(&answer.body).unwrap();
    assert!(text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[actix_web::test]
async fn results_are_in_the_order_of_the_lines_and_the_last_line_counts_them() {
    let service = Service::new();
    let body = format!(
        "{}\n\n{}\nnot json\n{}\r\n  \n{}",
        json!({"text": "I love it", "ref": "a"}),
        json!({"text": ""}),
        json!({"text": FAILS}),
        json!({"text": "Never again"}),
    );
    let answer = service.send(ndjson(body)).await;
    assert_eq!(answer.status, 200);
    assert_json_snapshot!("a_stream", lines(&answer));
    let page = service.get("/api/v1/predictions").await.json();
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
}

#[actix_web::test]
async fn a_thousand_results_are_in_the_order_of_their_lines() {
    let service = Service::new();
    let line = |n: usize| json!({"text": format!("text {n}"), "ref": n.to_string()}).to_string();
    let body = (0..1_000).map(line).collect::<Vec<_>>().join("\n");
    let answers = lines(&service.send(ndjson(body)).await);
    assert_eq!(answers.len(), 1_001);
    for (n, answer) in answers[..1_000].iter().enumerate() {
        assert_eq!((&answer["index"], &answer["prediction"]["ref"]), (&json!(n), &json!(n.to_string())));
    }
    assert_eq!(answers[1_000], json!({"done": true, "ok": 1_000, "failed": 0}));
}

#[actix_web::test]
async fn a_line_that_is_too_long_fails_alone() {
    let service = Service::with(|settings| settings.max_line_bytes = 100);
    let body = format!("{{\"text\":\"{}\"}}\n{{\"text\":\"short\"}}\n", "x".repeat(5_000));
    let answers = lines(&service.send(ndjson(body)).await);
    let codes: Vec<_> = answers.iter().map(|answer| &answer["problem"]["code"]).collect();
    assert_eq!(codes, [&json!("body_too_large"), &Value::Null, &Value::Null]);
    assert_eq!(answers[0]["status"], 413);
    assert_eq!(answers[2], json!({"done": true, "ok": 1, "failed": 1}));
    service.assert_nothing_logged_at_error();
}

#[actix_web::test]
async fn an_empty_stream_has_only_its_end() {
    let answer = Service::new().send(ndjson("\n \n")).await;
    assert_eq!(lines(&answer), [json!({"done": true, "ok": 0, "failed": 0})]);
}

#[actix_web::test]
async fn a_stream_is_neither_compressed_nor_buffered_nor_cached() {
    let service = Service::new();
    let request = ndjson("{\"text\":\"a\"}\n").insert_header(("accept-encoding", "gzip, br"));
    let answer = service.send(request).await;
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    assert_eq!(answer.header("content-encoding"), None);
    assert_eq!(answer.header("x-accel-buffering"), Some("no"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(lines(&answer).len(), 2);
}

#[actix_web::test]
async fn a_body_that_ends_early_has_results_for_its_whole_lines_and_no_last_line() {
    let service = Service::new();
    let chunks = stream::iter([
        Ok(Bytes::from_static(b"{\"text\":\"a\"}\n{\"text\":\"b\"}\n{\"tex")),
        Err(PayloadError::Incomplete(None)),
    ]);
    let answer = service.send_streaming(ndjson(""), chunks.boxed_local()).await;
    let indexes: Vec<_> = lines(&answer).iter().map(|line| line["index"].clone()).collect();
    assert_eq!(indexes, [json!(0), json!(1)]);
    service.assert_nothing_logged_at_error();
}

#[actix_web::test]
async fn at_most_64_lines_are_in_progress_and_reading_waits_for_them() {
    let service = Service::new();
    service.model.hold_all();
    let read = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&read);
    let chunks = stream::iter(0..1_000).map(move |n| {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(Bytes::from(format!("{}\n", json!({"text": format!("text {n}")}))))
    });

    let app = init_service(api(service.state.clone())).await;
    let (request, _) = ndjson("").to_request().replace_payload(Payload::from(chunks.boxed_local()));
    let response = app.call(request).await.unwrap();
    let mut body = pin!(response.into_body());
    // Far more polls than it takes to begin all work that is possible without the model.
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..1_000 {
        assert!(matches!(body.as_mut().poll_next(&mut context), Poll::Pending));
        actix_web::rt::task::yield_now().await;
    }
    assert_eq!(service.model.in_work(), 64);
    let read_ahead = read.load(Ordering::Relaxed);
    assert!(read_ahead <= 64 + 2, "{read_ahead} lines were read while 64 were in progress");

    service.model.release_all();
    let mut answers = Vec::new();
    while let Some(chunk) = std::future::poll_fn(|context| body.as_mut().poll_next(context)).await {
        answers.extend_from_slice(&chunk.ok().unwrap());
    }
    assert_eq!(answers.split(|byte| *byte == b'\n').count(), 1_001 + 1);
    assert_eq!(service.model.most_in_work(), 64);
}

#[actix_web::test]
async fn a_client_that_disconnects_ends_the_reading() {
    let service = Service::new();
    service.model.hold_all();
    let read = Arc::new(());
    let witness = Arc::clone(&read);
    let chunks = stream::repeat_with(move || {
        // The body lives as long as its witness.
        let _: &Arc<()> = &witness;
        Ok(Bytes::from_static(b"{\"text\":\"again\"}\n"))
    });
    let app = init_service(api(service.state.clone())).await;
    let (request, _) = ndjson("").to_request().replace_payload(Payload::from(chunks.boxed_local()));
    let response = app.call(request).await.unwrap();
    let mut body = Box::pin(response.into_body());
    assert!(body.as_mut().poll_next(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(Arc::strong_count(&read), 2);
    drop(body);
    assert_eq!(Arc::strong_count(&read), 1, "the body is still being read");
}
