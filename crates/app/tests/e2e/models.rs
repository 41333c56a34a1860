//! Several models at once: served side by side, replaced under load, and unloaded with their memory freed.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{FakeHub, HubFault};

use crate::api::{Answer, Api, assert_same};
use crate::load::{Load, Sent};
use crate::undertone::{PATIENCE, Undertone, wait_for};

const CHANGES: &str = "server.model_changes=true";
const UPSIDE_DOWN: &str = "/api/v1/models/upside-down";

fn bundled() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/sentiment-minilm-l6").canonicalize().unwrap()
}

/// Creates the bundled model with negative and positive exchanged in `folder`.
fn upside_down(folder: &Path) -> String {
    let made = folder.join("exchanged");
    fs::create_dir(&made).unwrap();
    for file in fs::read_dir(bundled()).unwrap() {
        let file = file.unwrap();
        if file.file_name() != "config.json" {
            symlink(file.path(), made.join(file.file_name())).unwrap();
        }
    }
    let config = fs::read_to_string(bundled().join("config.json")).unwrap();
    let mut config: Value = serde_json::from_str(&config).unwrap();
    config["id2label"] = json!({"0": "positive", "1": "neutral", "2": "negative"});
    config["label2id"] = json!({"positive": 0, "neutral": 1, "negative": 2});
    fs::write(made.join("config.json"), config.to_string()).unwrap();
    made.display().to_string()
}

fn load(api: &Api, path: &str) -> Answer {
    api.post(UPSIDE_DOWN, &json!({"path": path, "precision": "f32"})).unwrap()
}

fn predict(api: &Api, text: &str, model: &Value) -> Answer {
    api.post("/api/v1/predictions", &json!({"text": text, "model": model})).unwrap()
}

/// The bits of an answer's scores, negative first.
fn scores(answer: &Value) -> [u64; 3] {
    ["negative", "neutral", "positive"].map(|name| answer["scores"][name].as_f64().unwrap().to_bits())
}

fn exchanged([negative, neutral, positive]: [u64; 3]) -> [u64; 3] {
    [positive, neutral, negative]
}

#[test]
fn two_models_are_served_at_once_and_the_request_chooses_one() {
    let folder = TempDir::new().unwrap();
    let section = [
        format!("models.upside-down.path={}", upside_down(folder.path())),
        "models.upside-down.precision=f32".to_owned(),
        "server.drain_delay=0".to_owned(),
    ];
    let settings: Vec<&str> = section.iter().map(String::as_str).collect();
    let mut running = Undertone::start(folder.path(), "sqlite:data/undertone.db", &settings);
    let api = running.api();
    let models = api.get("/api/v1/models").unwrap().body;
    let entry =
        |place: usize| (models["items"][place]["name"].as_str(), models["items"][place]["default"].clone());
    assert_eq!(entry(0), (Some("sentiment-minilm-l6"), json!(true)));
    assert_eq!(entry(1), (Some("upside-down"), json!(false)));

    let text = "I love it";
    for (model, sentiment, name) in [
        (json!(null), "positive", "sentiment-minilm-l6"),
        (json!("sentiment-minilm-l6"), "positive", "sentiment-minilm-l6"),
        (json!("upside-down"), "negative", "upside-down"),
    ] {
        let line = json!({"text": text, "model": model});
        let batch = json!({"items": [{"text": text}], "model": model});
        let batch = api.post("/api/v1/predictions/batch", &batch).unwrap().body;
        let streamed = api.post_lines("/api/v1/predictions/stream", &format!("{line}\n{{\"text\":\"x\"}}\n"));
        assert_eq!(streamed[1]["prediction"]["model"]["name"], "sentiment-minilm-l6");
        let single = predict(&api, text, &model).body;
        for answer in [&single, &batch["items"][0]["prediction"], &streamed[0]["prediction"]] {
            assert_eq!((&answer["sentiment"], &answer["model"]["name"]), (&json!(sentiment), &json!(name)));
            assert_same(answer, &api.stored(answer["id"].as_str().unwrap()), text);
        }
    }
    let [one, other] = [json!(null), json!("upside-down")].map(|model| predict(&api, text, &model).body);
    assert_eq!(exchanged(scores(&one)), scores(&other), "the same weights, and neither the other's labels");
    let stored = api.get("/api/v1/predictions?model=upside-down").unwrap().body;
    assert_eq!(stored["items"].as_array().map(Vec::len), Some(4));

    let unknown = predict(&api, text, &json!("other"));
    assert_eq!((unknown.status, &unknown.body["code"]), (422, &json!("unknown_model")));
    assert_eq!(unknown.body["field"], "model");
    let refused = [load(&api, "./exchanged"), api.delete(UPSIDE_DOWN).unwrap()];
    assert_eq!(refused.map(|answer| answer.status), [403, 403], "changes are turned off by default");
    running.terminate();
    assert_eq!(running.wait().code(), Some(0));
}

#[test]
fn a_model_that_cannot_be_loaded_does_not_replace_the_old_one() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    let path = upside_down(folder.path());
    let running = Undertone::start(folder.path(), "sqlite:data/undertone.db", &[CHANGES]);
    let api = running.api();
    assert_eq!(load(&api, &path).status, 201);
    let spec = |change: Value| {
        let mut spec = json!({"path": path, "precision": "f32"});
        spec.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        spec
    };
    for (spec, field, words) in [
        (spec(json!({"path": "./empty"})), "path", "config.json is missing"),
        (spec(json!({"path": "no/such/model"})), "path", "no/such/model"),
        (spec(json!({"precision": "f31"})), "precision", "f31"),
        (spec(json!({"device": "cuda:99"})), "device", "cuda"),
        (spec(json!({"window": 100_000})), "window", "100000"),
        (spec(json!({"labels": {"happy": "positive"}})), "labels", "happy"),
        (spec(json!({"max_wait": 0})), "max_wait", "0.1"),
    ] {
        let refused = api.post(UPSIDE_DOWN, &spec).unwrap();
        assert_eq!((refused.status, &refused.body["code"]), (422, &json!("not_loadable")), "{spec}");
        assert_eq!(refused.body["field"], field);
        assert!(refused.body["detail"].as_str().unwrap().contains(words), "{}", refused.body);
    }
    let answer = predict(&api, "I love it", &json!("upside-down")).body;
    assert_eq!((&answer["sentiment"], &answer["model"]["name"]), (&json!("negative"), &json!("upside-down")));
    let default = api.delete("/api/v1/models/sentiment-minilm-l6").unwrap();
    assert_eq!((default.status, &default.body["code"]), (400, &json!("default_model")));
    assert_eq!(api.get("/health").unwrap().body["status"], "healthy");
    assert_eq!(running.log_of_level("ERROR"), Vec::<Value>::new());
    let fields: Vec<_> = failed_loadings(&running, 7).iter().map(|fields| fields["field"].clone()).collect();
    assert_eq!(fields, ["path", "path", "precision", "device", "window", "labels", "max_wait"]);
}

/// Waits until the log has `count` failed loadings and returns them in order.
fn failed_loadings(running: &Undertone, count: usize) -> Vec<Value> {
    wait_for("the failed loadings to be logged", || {
        let fields = running.log_of_level("WARN").into_iter().map(|line| line["fields"].clone());
        let of_loadings = |fields: &Value| fields["model"] == "upside-down" && fields["reason"].is_string();
        let failed: Vec<_> = fields.filter(of_loadings).collect();
        (failed.len() >= count).then_some(failed)
    })
}

#[test]
fn a_temporary_failure_of_the_hub_is_not_a_client_error() {
    let (folder, hub) = (TempDir::new().unwrap(), FakeHub::start());
    let patience = Some(3_600);
    hub.fail("", usize::MAX, HubFault::Status { status: 429, error_code: None, retry_after: patience });
    let endpoint = format!("hub.endpoint={}", hub.endpoint());
    let cache = format!("hub.cache={}", folder.path().join("cache").display());
    let settings = [CHANGES, "hub.offline=false", "hub.token=unused", &endpoint, &cache];
    let running = Undertone::start(folder.path(), "sqlite:data/undertone.db", &settings);
    let api = running.api();
    let refused = load(&api, "org/sentiment");
    assert_eq!((refused.status, &refused.body["code"]), (503, &json!("unavailable")));
    let [failed] = failed_loadings(&running, 1).try_into().expect("one loading failed");
    assert!(failed["reason"].as_str().unwrap().contains("rate limit"), "{failed}");
    assert!(!failed.to_string().contains("unused"), "the token is never logged");
    let absent = load(&api, "./absent");
    assert_eq!((absent.status, &absent.body["code"]), (422, &json!("not_loadable")));
}

/// A stream whose lines are sent one by one, each after the response to the one before.
struct Conversation {
    connection: TcpStream,
    heard: String,
}

impl Conversation {
    fn begin(running: &Undertone) -> Self {
        let mut connection = TcpStream::connect(&running.address).unwrap();
        connection.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = "POST /api/v1/predictions/stream HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
                    content-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n";
        connection.write_all(head.as_bytes()).unwrap();
        Self { connection, heard: String::new() }
    }

    /// Sends `line` and reads until `words` have been received.
    fn send(&mut self, line: &Value, words: &str) {
        let line = format!("{line}\n");
        write!(self.connection, "{:x}\r\n{line}\r\n", line.len()).unwrap();
        let mut part = [0; 4_096];
        while !self.heard.contains(words) {
            let length = self.connection.read(&mut part).unwrap();
            assert_ne!(length, 0, "the stream ended early: {}", self.heard);
            self.heard.push_str(&String::from_utf8_lossy(&part[..length]));
        }
    }

    /// Ends the stream and returns all that was received.
    fn end(mut self) -> String {
        self.connection.write_all(b"0\r\n\r\n").unwrap();
        self.connection.read_to_string(&mut self.heard).unwrap();
        self.heard
    }
}

#[test]
fn a_stream_continues_with_its_model_after_that_is_replaced_and_unloaded() {
    let folder = TempDir::new().unwrap();
    let path = upside_down(folder.path());
    let running = Undertone::start(folder.path(), "sqlite:data/undertone.db", &[CHANGES]);
    let api = running.api();
    assert_eq!(load(&api, &path).status, 201);
    let mut stream = Conversation::begin(&running);
    stream.send(&json!({"text": "I love it", "model": "upside-down"}), "\"index\":0");
    assert_eq!(load(&api, &bundled().display().to_string()).status, 200);
    assert_eq!(predict(&api, "I adore it", &json!("upside-down")).body["sentiment"], "positive");
    stream.send(&json!({"text": "I adore it", "model": "upside-down"}), "\"index\":1");
    assert_eq!(api.delete(UPSIDE_DOWN).unwrap().status, 204);
    assert_eq!(predict(&api, "I like it", &json!("upside-down")).status, 422);
    stream.send(&json!({"text": "I like it", "model": "upside-down"}), "\"index\":2");
    let heard = stream.end();
    assert!(heard.contains("{\"done\":true,\"ok\":3,\"failed\":0}"), "{heard}");
    assert_eq!(heard.matches("\"sentiment\":\"negative\"").count(), 3, "{heard}");
}

/// Waits until the memory in use is at most a tenth more than before.
fn wait_for_memory(running: &Undertone, before: Option<u64>) {
    let Some(before) = before else { return };
    let what = format!("the memory to be near {before} KiB again");
    wait_for(&what, || running.resident_kib().filter(|now| *now <= before + before / 10));
}

#[test]
fn models_replace_one_another_under_load_without_a_failed_request() {
    let folder = TempDir::new().unwrap();
    let (exchanged_path, plain_path) = (upside_down(folder.path()), bundled().display().to_string());
    let running = Undertone::start(folder.path(), "sqlite:data/undertone.db", &[CHANGES]);
    let api = running.api();
    assert_eq!(load(&api, &exchanged_path).status, 201);
    let callers = Load::start_of(&api, 64, Some("upside-down"), |answer| answer.status != 200);
    let some_answers = || {
        let before = callers.answered();
        wait_for("answers", || (callers.answered() > before + 200).then_some(()));
    };
    some_answers();
    let before = running.resident_kib();
    for path in [&plain_path, &exchanged_path, &plain_path] {
        let loaded = load(&api, path);
        assert_eq!((loaded.status, &loaded.body["name"]), (200, &json!("upside-down")));
        some_answers();
    }
    let sent = callers.end();
    let kinds = kinds_of(&api, &sent);
    assert!(kinds.0 > 100 && kinds.1 > 100, "answers of the one and of the other: {kinds:?}");
    wait_for_memory(&running, before);
    assert_eq!(running.log_of_level("ERROR"), Vec::<Value>::new());
}

/// Returns how many predictions are of the bundled model and how many of the exchanged one; there must be no others.
fn kinds_of(api: &Api, sent: &[Sent]) -> (usize, usize) {
    let (mut plain, mut turned) = (0, 0);
    for part in sent.chunks(500) {
        let items: Vec<Value> = part.iter().map(|one| json!({"text": one.text})).collect();
        let truth = api.post("/api/v1/predictions/batch", &json!({ "items": items })).unwrap().body;
        for (one, truth) in part.iter().zip(truth["items"].as_array().unwrap()) {
            let (answer, _) = one.acknowledged().unwrap_or_else(|| panic!("a request failed: {one:?}"));
            assert_eq!(answer["model"]["name"], "upside-down");
            let (answer, truth) = (scores(answer), scores(&truth["prediction"]));
            plain += usize::from(answer == truth);
            turned += usize::from(answer == exchanged(truth));
        }
    }
    assert_eq!(plain + turned, sent.len(), "every answer is one model's, to the bit");
    (plain, turned)
}

#[test]
fn a_model_is_unloaded_under_load_and_its_memory_is_freed() {
    let folder = TempDir::new().unwrap();
    let path = upside_down(folder.path());
    let running = Undertone::start(folder.path(), "sqlite:data/undertone.db", &[CHANGES]);
    let api = running.api();
    let warm_up = Load::start(&api, 64, |_| false);
    wait_for("some load", || (warm_up.answered() > 200).then_some(()));
    warm_up.end();
    let before = running.resident_kib();
    for _ in 0..2 {
        assert_eq!(load(&api, &path).status, 201);
        let larger = |before| running.resident_kib() > Some(before + before / 4);
        assert!(before.is_none_or(larger), "a second model takes memory");
        let callers = Load::start_of(&api, 64, Some("upside-down"), |answer| answer.status != 200);
        wait_for("some load", || (callers.answered() > 200).then_some(()));
        assert_eq!(api.delete(UPSIDE_DOWN).unwrap().status, 204);
        for one in callers.join() {
            let answer = one.answer.unwrap_or_else(|| panic!("no answer to {}", one.text));
            let unknown = answer.status == 422 && answer.body["code"] == "unknown_model";
            assert!(answer.status == 200 || unknown, "{answer:?}");
        }
        wait_for_memory(&running, before);
    }
    assert_eq!(api.delete(UPSIDE_DOWN).unwrap().status, 404);
    assert_eq!(api.predict("I love it").unwrap().body["sentiment"], "positive");
    assert_eq!(api.get("/health").unwrap().body["status"], "healthy");
    assert_eq!(running.log_of_level("ERROR"), Vec::<Value>::new());
}
