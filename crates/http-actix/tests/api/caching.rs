use actix_web::test::TestRequest;
use serde_json::json;

use crate::support::{FAILS, Service};

#[actix_web::test]
async fn a_prediction_from_the_cache_is_a_new_one_and_says_cached() {
    let service = Service::new();
    let body = json!({"text": "I love it"});
    let first = service.post_json("/api/v1/predictions", &body).await;
    assert_eq!(first.header("cache-status"), Some("undertone; fwd=miss; stored"));
    assert_eq!(first.json()["cached"], false);

    service.model.cached("I love it");
    let second = service.post_json("/api/v1/predictions", &body).await;
    assert_eq!(second.header("cache-status"), Some("undertone; hit"));
    assert_eq!(second.json()["cached"], true);
    assert_ne!(first.json()["id"], second.json()["id"]);
    for made in [first, second] {
        let stored =
            service.get(&format!("/api/v1/predictions/{}", made.json()["id"].as_str().unwrap())).await;
        assert_eq!(stored.json()["cached"], made.json()["cached"]);
        assert_eq!(stored.header("cache-status"), None, "reading a stored prediction uses no model");
    }
}

#[actix_web::test]
async fn without_a_cache_there_is_no_cache_status() {
    let service = Service::with(|settings| settings.cache_status = false);
    let answer = service.post_json("/api/v1/predictions", &json!({"text": "fine"})).await;
    assert_eq!((answer.status, answer.header("cache-status")), (200, None));
}

#[actix_web::test]
async fn a_problem_has_no_cache_status() {
    let service = Service::new();
    for text in ["", FAILS] {
        let answer = service.post_json("/api/v1/predictions", &json!({ "text": text })).await;
        assert_eq!(answer.header("cache-status"), None);
    }
}

#[actix_web::test]
async fn in_a_batch_and_a_stream_each_prediction_says_whether_it_was_cached() {
    let service = Service::new();
    service.model.cached("again");
    let items = json!({"items": [{"text": "new"}, {"text": "again"}]});
    let batch = service.post_json("/api/v1/predictions/batch", &items).await;
    assert_eq!(batch.header("cache-status"), None);
    let flags: Vec<_> = (0..2).map(|n| batch.json()["items"][n]["prediction"]["cached"].clone()).collect();
    assert_eq!(flags, [false, true]);

    let lines = TestRequest::post()
        .uri("/api/v1/predictions/stream")
        .insert_header(("content-type", "application/x-ndjson"))
        .set_payload("{\"text\":\"new\"}\n{\"text\":\"again\"}\n");
    let stream = service.send(lines).await;
    assert_eq!(stream.header("cache-status"), None);
    let flags: Vec<_> = stream.text().lines().map(|line| line.contains("\"cached\":true")).collect();
    assert_eq!(flags, [false, true, false]);
}
