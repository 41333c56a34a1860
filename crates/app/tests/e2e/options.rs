//! The options of a prediction with the real model and a real store: usage is compared with a known count, sentences
//! with the text.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api::{Api, assert_same};
use crate::undertone::Undertone;

/// Words that the bundled model's vocabulary contains whole: one token each.
const WORDS: &str = "the food was good but the room was very cold and the people were not kind to us";
const COUNT: u64 = 18;

/// Returns the predictions of `text` with `options` by each of the three routes, after checking that they are stored as
/// returned.
fn ask(api: &Api, text: &str, options: &Value) -> Vec<Value> {
    let body = json!({"text": text, "options": options});
    let single = api.post("/api/v1/predictions", &body).unwrap().body;
    let batch = json!({"items": [{"text": text}], "options": options});
    let batch = api.post("/api/v1/predictions/batch", &batch).unwrap().body;
    let streamed = api.post_lines("/api/v1/predictions/stream", &format!("{body}\n")).remove(0);
    let answers = vec![single, batch["items"][0]["prediction"].clone(), streamed["prediction"].clone()];
    for answer in &answers {
        assert_same(answer, &api.stored(answer["id"].as_str().expect("an id")), text);
    }
    answers
}

fn without(answer: &Value, names: &[&str]) -> Value {
    let mut answer = answer.clone();
    for name in ["id", "created_at", "cached"].iter().chain(names) {
        answer.as_object_mut().unwrap().remove(*name);
    }
    answer
}

#[test]
fn options_apply_to_the_real_model_on_every_route() {
    assert_eq!(WORDS.split(' ').count() as u64, COUNT);
    let folder = TempDir::new().unwrap();
    let running = Undertone::start(folder.path(), "sqlite:data/undertone.db", &[]);
    let api = running.api();
    let plain = ask(&api, WORDS, &Value::Null).remove(0);
    assert_eq!(plain["usage"], json!({"tokens": COUNT, "windows": 1, "truncated": false}));
    for (options, usage) in [
        (
            json!({"max_tokens": 5, "overflow": "truncate"}),
            json!({"tokens": 5, "windows": 1, "truncated": true}),
        ),
        (json!({"max_tokens": 18, "overflow": "reject"}), plain["usage"].clone()),
        (json!({"max_tokens": 18, "overflow": "window"}), plain["usage"].clone()),
    ] {
        for answer in ask(&api, WORDS, &options) {
            assert_eq!(answer["usage"], usage, "{options}");
        }
    }
    let first = ask(&api, "the food was good but", &Value::Null).remove(0);
    let cut = ask(&api, WORDS, &json!({"max_tokens": 5, "overflow": "truncate"})).remove(0);
    assert_eq!((&first["scores"], &first["labels"]), (&cut["scores"], &cut["labels"]));
    let refused = json!({"text": WORDS, "options": {"max_tokens": 17, "overflow": "reject"}});
    let refused = api.post("/api/v1/predictions", &refused).unwrap();
    assert_eq!((refused.status, &refused.body["field"]), (422, &json!("text")));

    for answer in ask(&api, WORDS, &json!({"raw": true})) {
        let sum: f64 = answer["labels"].as_array().unwrap().iter().map(exponential).sum();
        for label in answer["labels"].as_array().unwrap() {
            let score = label["score"].as_f64().unwrap();
            assert!((exponential(label) / sum - score).abs() < 1e-6, "{label}");
        }
        assert_eq!(without(&answer, &["labels"]), without(&plain, &["labels"]));
    }
}

fn exponential(label: &Value) -> f64 {
    label["logit"].as_f64().unwrap().exp()
}

#[test]
fn the_offsets_of_sentences_in_any_script_select_them_in_the_text() {
    let folder = TempDir::new().unwrap();
    let running = Undertone::start(folder.path(), "sqlite:data/undertone.db", &[]);
    let api = running.api();
    let options = json!({"granularity": "sentence"});
    for (text, expected) in [
        ("😀 I love it! 👨‍👩‍👧 I hate it.", vec!["😀 I love it!", "👨‍👩‍👧 I hate it."]),
        (
            "Cafe\u{301} was lovely.  Nai\u{308}ve staff.",
            vec!["Cafe\u{301} was lovely.", "Nai\u{308}ve staff."],
        ),
        ("مرحبا بك. كيف حالك؟", vec!["مرحبا بك.", "كيف حالك؟"]),
        ("我很喜欢。我讨厌它！", vec!["我很喜欢。", "我讨厌它！"]),
    ] {
        let chars: Vec<char> = text.chars().collect();
        for answer in ask(&api, text, &options) {
            let place =
                |sentence: &Value, name: &str| usize::try_from(sentence[name].as_u64().unwrap()).unwrap();
            let sentences = answer["sentences"].as_array().unwrap();
            let sliced: Vec<String> = sentences
                .iter()
                .map(|sentence| chars[place(sentence, "start")..place(sentence, "end")].iter().collect())
                .collect();
            assert_eq!(sliced, expected);
            for (sentence, words) in sentences.iter().zip(&sliced) {
                let alone = api.predict(words).unwrap().body;
                assert_eq!(sentence["sentiment"], alone["sentiment"], "{words}");
            }
        }
    }
    let mixed = ask(&api, "I love it, it is wonderful! I hate it, it is horrible.", &options).remove(0);
    assert_eq!((&mixed["sentiment"], &mixed["confidence"]), (&json!("mixed"), &Value::Null), "{mixed}");
    let found = api.get("/api/v1/predictions?sentiment=mixed").unwrap().body;
    assert!(found["items"].as_array().unwrap().iter().any(|item| item["id"] == mixed["id"]));
}
