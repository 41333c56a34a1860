//! What the stored predictions show together, on each store.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api::Api;
use crate::database::Database;
use crate::undertone::Undertone;

/// A range that has every prediction, those of the current millisecond as well.
const UNTIL: &str = "to=2100-01-01T00:00:00Z&from=2020-01-01T00:00:00Z";

fn terms(api: &Api, query: &str) -> Value {
    let answer = api.get(&format!("/api/v1/analytics/terms?{UNTIL}&{query}")).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

fn reviews(store: &str) {
    let folder = TempDir::new().unwrap();
    let running = Undertone::start(folder.path(), store, &[]);
    let api = running.api();
    let texts = [
        "I hate this phone, the battery is terrible.",
        "I love this phone, the screen is great!",
        "The meeting is at noon on Monday.",
    ];
    let items: Vec<_> = (0..120).map(|number| json!({"text": texts[number % 3]})).collect();
    let batch = api.post("/api/v1/predictions/batch", &json!({ "items": items })).unwrap().body;
    assert_eq!(batch["succeeded"], 120);

    let negative = terms(&api, "sentiment=negative&ngrams=1");
    let found = negative["terms"].as_array().unwrap();
    let battery = found.iter().find(|term| term["term"] == "battery").unwrap();
    assert_eq!((&battery["texts"], &battery["texts_other"]), (&json!(40), &json!(0)));
    assert!(battery["z"].as_f64() > Some(3.0), "{battery}");
    assert!(found.iter().all(|term| term["term"] != "phone"), "{negative}");
    assert_eq!(negative["sample"], json!({"read": 40, "of": 40, "unavailable": 0}));
    assert_eq!(negative["sample_other"], json!({"read": 80, "of": 80, "unavailable": 0}));
    let example = battery["examples"][0].as_str().unwrap();
    assert!(api.stored(example)["text"].as_str().unwrap().contains("battery"));

    let of_other_model = terms(&api, "sentiment=negative&model=other");
    assert_eq!(of_other_model["sample"], json!({"read": 0, "of": 0, "unavailable": 0}));
    assert_eq!(running.log_of_level("ERROR"), Vec::<Value>::new());
    assert!(!running.log().iter().any(|line| line.to_string().contains("battery")), "a text was logged");
}

#[test]
fn terms_are_ranked_on_sqlite() {
    reviews("sqlite:data/undertone.db");
}

#[test]
fn terms_are_ranked_on_postgres() {
    let database = Database::create();
    reviews(&database.url());
}
