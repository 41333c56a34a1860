//! The first day of a user, on each store.

use serde_json::json;
use tempfile::TempDir;

use crate::api::assert_same;
use crate::database::Database;
use crate::undertone::Undertone;

fn first_day(store: &str) {
    let folder = TempDir::new().unwrap();
    let running = Undertone::start(folder.path(), store, &["limits.max_chars=60000"]);
    let api = running.api();

    let loved = api.predict("I love it").unwrap();
    assert_eq!((loved.status, &loved.body["sentiment"]), (200, &json!("positive")));
    let id = loved.body["id"].as_str().unwrap();
    assert_same(&loved.body, &api.stored(id), "I love it");

    let items: Vec<_> = ["I hate it.", " ", "The meeting is at noon on Monday."]
        .iter()
        .enumerate()
        .map(|(n, text)| json!({ "text": text, "ref": format!("item-{n}") }))
        .collect();
    let batch = api.post("/api/v1/predictions/batch", &json!({ "items": items })).unwrap().body;
    assert_eq!((&batch["succeeded"], &batch["failed"]), (&json!(2), &json!(1)));
    assert_eq!(batch["items"][0]["prediction"]["sentiment"], "negative");
    assert_eq!(batch["items"][1]["problem"]["code"], "blank");
    assert_eq!(batch["items"][2]["prediction"]["sentiment"], "neutral");

    let lines = api.post_lines("/api/v1/predictions/stream", "{\"text\":\"Great café!\"}\n{\"text\":\"\"}\n");
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[2], json!({ "done": true, "ok": 1, "failed": 1 }));

    let found = api.get("/api/v1/predictions?q=caf%C3%A9&sentiment=positive").unwrap().body;
    assert_eq!(found["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(found["items"][0]["text"], "Great café!");
    let by_ref = api.get("/api/v1/predictions?ref=item-0").unwrap().body;
    assert_eq!(by_ref["items"][0]["text"], "I hate it.");

    let long = format!("{}{}", "A good day. ".repeat(700), "x".repeat(41_600));
    assert_eq!(long.chars().count(), 50_000);
    let long_answer = api.predict(&long).unwrap();
    assert_eq!(long_answer.status, 200);
    assert!(long_answer.body["usage"]["windows"].as_u64() > Some(1));
    assert_eq!(long_answer.body["usage"]["truncated"], false);

    let path = format!("/api/v1/predictions/{id}");
    assert_eq!(api.delete(&path).unwrap().status, 204);
    assert_eq!(api.delete(&path).unwrap().status, 404);
    assert_eq!(api.get(&path).unwrap().status, 404);

    let models = api.get("/api/v1/models").unwrap().body;
    assert!(models.to_string().contains("sentiment-minilm-l6"), "{models}");
    assert_eq!(api.get("/health").unwrap().body["status"], "healthy");
    let metrics = api.text("/metrics");
    for name in
        ["http_requests_total", "undertone_build_info", "undertone_batch_size", "db_query_duration_seconds"]
    {
        assert!(metrics.contains(name), "no {name} in\n{metrics}");
    }
    assert!(metrics.contains("endpoint=\"/api/v1/predictions/{id}\""), "{metrics}");
    assert_eq!(running.log_of_level("ERROR"), Vec::<serde_json::Value>::new());
    assert!(!running.log().iter().any(|line| line.to_string().contains("I hate it")), "a text was logged");
}

#[test]
fn the_first_day_on_sqlite() {
    first_day("sqlite:data/undertone.db");
}

#[test]
fn the_first_day_on_postgres() {
    let database = Database::create();
    first_day(&database.url());
}
