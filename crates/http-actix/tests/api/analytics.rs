//! What the stored predictions show together.

use serde_json::{Value, json};

use crate::support::Service;

const TERMS: &str = "/api/v1/analytics/terms";

/// A service with reviews of the default clock's day, of which the bad ones are about the battery.
async fn reviewed() -> Service {
    let service = Service::new();
    for number in 0..160 {
        let text = if number % 2 == 0 { "a bad battery" } else { "a good screen" };
        service.create(&json!({"text": text})).await;
    }
    service.a_second_passes();
    service
}

fn terms(answer: &Value) -> Vec<(&str, bool)> {
    let items = answer["terms"].as_array().unwrap();
    items.iter().map(|item| (item["term"].as_str().unwrap(), item["z"].as_f64().unwrap() > 0.0)).collect()
}

#[actix_web::test]
async fn terms_of_a_sentiment_are_ranked() {
    let service = reviewed().await;
    let answer = service.get(&format!("{TERMS}?sentiment=negative&ngrams=1")).await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    let body = answer.json();
    assert_eq!(terms(&body), [("bad", true), ("battery", true), ("good", false), ("screen", false)]);
    let bad = &body["terms"][0];
    assert_eq!((&bad["texts"], &bad["texts_other"]), (&json!(80), &json!(0)));
    assert_eq!(bad["examples"].as_array().map(Vec::len), Some(3));
    let sample = json!({"read": 80, "of": 80, "unavailable": 0});
    assert_eq!((&body["sample"], &body["sample_other"]), (&sample, &sample));
    assert_eq!(body["truncated_vocabulary"], false);
    assert_eq!(body["from"], "2025-12-25T00:00:01.000000Z");
    assert_eq!(body["to"], "2026-01-01T00:00:01.000000Z");
}

#[actix_web::test]
async fn every_parameter_has_an_effect() {
    let service = reviewed().await;
    for (query, expected) in [
        ("&ngrams=2&limit=2", &["a bad", "a good"][..]),
        ("&ngrams=1,2&limit=1", &["a bad"]),
        ("&ngrams=1&min_texts=81", &[]),
        ("&ngrams=1&limit=2&model=fake-model", &["bad", "battery"]),
        ("&model=other", &[]),
        ("&from=2026-01-03T00:00:00Z", &[]),
        ("&to=2026-01-01T00:00:00Z", &[]),
        // Nothing to compare with.
        ("&against=previous", &[]),
    ] {
        let answer = service.get(&format!("{TERMS}?sentiment=negative{query}")).await;
        assert_eq!(answer.status, 200, "{query}");
        let body = answer.json();
        let found: Vec<_> = terms(&body).into_iter().map(|(term, _)| term).collect();
        assert_eq!(found, expected, "{query}");
    }
}

#[actix_web::test]
async fn parameters_that_are_not_allowed_are_refused_by_name() {
    let service = Service::new();
    for (query, code, field) in [
        ("", "missing_field", "sentiment"),
        ("?sentiment=angry", "not_one_of", "sentiment"),
        ("?sentiment=negative&against=all", "not_one_of", "against"),
        ("?sentiment=negative&ngrams=3", "not_one_of", "ngrams"),
        ("?sentiment=negative&from=today", "malformed", "from"),
        ("?sentiment=negative&to=today", "malformed", "to"),
        ("?sentiment=negative&model=", "blank", "model"),
        ("?sentiment=negative&limit=0", "out_of_range", "limit"),
        ("?sentiment=negative&limit=101", "out_of_range", "limit"),
        ("?sentiment=negative&limit=ten", "malformed", "limit"),
        ("?sentiment=negative&min_texts=0", "out_of_range", "min_texts"),
        ("?sentiment=negative&min_texts=few", "malformed", "min_texts"),
        ("?sentiment=negative&sentiment=neutral", "repeated_parameter", "sentiment"),
        ("?sentiment=negative&bucket=1h", "unknown_parameter", "bucket"),
    ] {
        let problem = service.get(&format!("{TERMS}{query}")).await.problem();
        assert_eq!(problem, (422, code.to_owned(), Some(field.to_owned())), "{query}");
    }
}

#[actix_web::test]
async fn a_store_that_fails_is_a_503() {
    let service = Service::new();
    service.break_the_store();
    let problem = service.get(&format!("{TERMS}?sentiment=negative")).await.problem();
    assert_eq!((problem.0, problem.1.as_str()), (503, "unavailable"));
}
