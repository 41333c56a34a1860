//! Bodies that do not arrive in time.

use std::pin::Pin;
use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::test::TestRequest;
use actix_web::web::Bytes;
use futures_util::{Stream, StreamExt, stream};
use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::{Answer, Service};

type Body = Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>>;

/// A body of these chunks that never ends.
fn that_stops_after(chunks: &[&str]) -> Body {
    let chunks: Vec<_> = chunks.iter().map(|chunk| Ok(Bytes::copy_from_slice(chunk.as_bytes()))).collect();
    stream::iter(chunks).chain(stream::pending()).boxed_local()
}

fn post(path: &str, media_type: &str) -> TestRequest {
    TestRequest::post().uri(path).insert_header(("content-type", media_type))
}

fn lines(answer: &Answer) -> Vec<Value> {
    let text = std::str::from_utf8(&answer.body).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[actix_web::test]
async fn a_body_that_does_not_arrive_in_time_is_a_request_timeout() {
    let service = Service::with(|settings| settings.body_timeout = Duration::from_millis(20));
    for path in ["/api/v1/predictions", "/api/v1/predictions/batch"] {
        let body = that_stops_after(&["{\"text\":", "\"never"]);
        let answer = service.send_streaming(post(path, "application/json"), body).await;
        assert_eq!(answer.status, 408);
        assert_json_snapshot!("request_timeout", answer.json());
    }
    service.assert_nothing_stored();
    service.assert_nothing_logged_at_error();
}

#[actix_web::test]
async fn a_stream_whose_next_line_does_not_arrive_in_time_ends_with_the_reason() {
    let service = Service::with(|settings| {
        settings.stream_idle_timeout = Duration::from_millis(20);
        // The limit on the time of a whole body does not apply to a stream.
        settings.body_timeout = Duration::ZERO;
    });
    let body = that_stops_after(&["{\"text\":\"a\"}\n{\"text\":\"\"}\n", "{\"text\":"]);
    let answer =
        service.send_streaming(post("/api/v1/predictions/stream", "application/x-ndjson"), body).await;
    let lines = lines(&answer);
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[2], json!({"done": false, "reason": "request_timeout", "ok": 1, "failed": 1}));
    service.assert_nothing_logged_at_error();
}

#[actix_web::test]
async fn a_stream_reads_no_lines_after_shutdown_began_and_says_so() {
    let service = Service::new();
    service.begin_to_shut_down();
    let body = that_stops_after(&[]);
    let answer =
        service.send_streaming(post("/api/v1/predictions/stream", "application/x-ndjson"), body).await;
    assert_eq!(lines(&answer), [json!({"done": false, "reason": "shutting_down", "ok": 0, "failed": 0})]);
}
