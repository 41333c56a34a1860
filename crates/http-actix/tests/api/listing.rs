use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::Service;

async fn refs(service: &Service, query: &str) -> Vec<String> {
    let answer = service.get(&format!("/api/v1/predictions{query}")).await;
    assert_eq!(answer.status, 200, "{query}");
    let page = answer.json();
    let items = page["items"].as_array().unwrap();
    items.iter().map(|item| item["ref"].as_str().unwrap().to_owned()).collect()
}

/// A service with three predictions, a second apart.
async fn three() -> Service {
    let service = Service::new();
    for (reference, text) in [("a", "I love the Café"), ("b", "a bad service"), ("c", "I love it, really")] {
        service.create(&json!({"text": text, "ref": reference})).await;
        service.a_second_passes();
    }
    service
}

#[actix_web::test]
async fn without_predictions_the_page_is_empty() {
    let answer = Service::new().get("/api/v1/predictions").await;
    assert_eq!(answer.json(), json!({"items": [], "next_cursor": null}));
}

#[actix_web::test]
async fn a_page_has_the_newest_first() {
    let service = three().await;
    assert_json_snapshot!("a_page", service.get("/api/v1/predictions?limit=2").await.json());
    assert_eq!(refs(&service, "").await, ["c", "b", "a"]);
}

#[actix_web::test]
async fn following_the_cursor_returns_every_prediction_once() {
    let service = three().await;
    let (mut seen, mut query) = (Vec::new(), "?limit=1".to_owned());
    loop {
        let page = service.get(&format!("/api/v1/predictions{query}")).await.json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["ref"].clone()));
        match &page["next_cursor"] {
            Value::String(cursor) => query = format!("?limit=1&cursor={cursor}"),
            _ => break,
        }
    }
    assert_eq!(seen, [json!("c"), json!("b"), json!("a")]);
}

#[actix_web::test]
async fn every_condition_narrows_the_page() {
    let service = three().await;
    for (query, expected) in [
        ("?sentiment=positive", &["c", "a"][..]),
        ("?sentiment=negative", &["b"]),
        ("?sentiment=mixed", &[]),
        ("?model=fake-model", &["c", "b", "a"]),
        ("?model=other", &[]),
        ("?ref=b", &["b"]),
        ("?q=love", &["c", "a"]),
        ("?q=CAF%C3%89+love", &["a"]),
        ("?q=lov", &[]),
        ("?min_confidence=0.5", &["c", "b", "a"]),
        ("?max_confidence=0.5", &[]),
        ("?from=2026-01-01T00:00:01Z", &["c", "b"]),
        ("?to=2026-01-01T00:00:01Z", &["a"]),
        ("?from=2026-01-01T01:00:01%2B01:00&to=2026-01-01T00:00:02Z", &["b"]),
        ("?from=2027-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", &[]),
        ("?sentiment=positive&q=really&ref=c", &["c"]),
    ] {
        assert_eq!(refs(&service, query).await, expected, "{query}");
    }
}

#[actix_web::test]
async fn a_cursor_belongs_to_its_filters() {
    let service = three().await;
    let page = service.get("/api/v1/predictions?limit=1&sentiment=positive").await.json();
    let cursor = page["next_cursor"].as_str().unwrap();
    let answer = service.get(&format!("/api/v1/predictions?sentiment=negative&cursor={cursor}")).await;
    assert_eq!(answer.problem(), (422, "malformed".into(), Some("cursor".into())));
    assert_eq!(refs(&service, &format!("?sentiment=positive&cursor={cursor}")).await, ["a"]);
}
