//! A repeated text is a new prediction without inference.

use serde_json::json;
use tempfile::TempDir;

use crate::api::assert_same;
use crate::undertone::Undertone;

/// A metric's value in the Prometheus text format.
fn metric(page: &str, series: &str) -> u64 {
    let line = page.lines().find(|line| line.starts_with(series));
    let value = line.and_then(|line| line.rsplit(' ').next()).unwrap_or_else(|| panic!("no {series}"));
    value.parse().unwrap()
}

#[test]
fn a_repeated_text_is_a_new_prediction_without_inference() {
    let folder = TempDir::new().unwrap();
    let running = Undertone::start(folder.path(), "sqlite:data/undertone.db", &[]);
    let api = running.api();
    let text = "The parcel came on Monday, and I love it";

    let first = api.predict(text).unwrap();
    let batches = metric(&api.text("/metrics"), "undertone_inference_seconds_count");
    let second = api.predict(text).unwrap();
    assert_eq!((&first.body["cached"], &second.body["cached"]), (&json!(false), &json!(true)));
    assert_eq!(first.cache_status.as_deref(), Some("undertone; fwd=miss; stored"));
    assert_eq!(second.cache_status.as_deref(), Some("undertone; hit"));
    let ids = [&first, &second].map(|answer| answer.body["id"].as_str().unwrap().to_owned());
    assert_ne!(ids[0], ids[1]);
    for (answer, id) in [&first, &second].into_iter().zip(&ids) {
        assert_same(&answer.body, &api.stored(id), text);
    }
    for part in ["sentiment", "confidence", "scores", "labels", "usage", "model"] {
        assert_eq!(first.body[part], second.body[part], "{part}");
    }

    let items: Vec<_> = [text, "new", "new"].map(|text| json!({ "text": text })).to_vec();
    let batch = api.post("/api/v1/predictions/batch", &json!({ "items": items })).unwrap().body;
    let cached: Vec<_> = (0..3).map(|n| batch["items"][n]["prediction"]["cached"].clone()).collect();
    assert_eq!(cached, [true, false, true]);

    let page = api.text("/metrics");
    assert_eq!(metric(&page, "cache_hits_total{cache_name=\"prediction\"}"), 3);
    assert_eq!(metric(&page, "cache_misses_total{cache_name=\"prediction\"}"), 2);
    assert_eq!(metric(&page, "undertone_inference_seconds_count"), batches + 1);
    assert_eq!(metric(&page, "undertone_cached_total"), 3);
}

#[test]
fn without_the_cache_every_text_is_classified() {
    let folder = TempDir::new().unwrap();
    let running = Undertone::start(folder.path(), "sqlite:data/undertone.db", &["cache.enabled=false"]);
    for _ in 0..2 {
        let answer = running.api().predict("I love it").unwrap();
        assert_eq!((&answer.body["cached"], answer.cache_status), (&json!(false), None));
    }
    assert!(!running.api().text("/metrics").contains("cache_hits_total{"));
}
