//! Several models: how a request chooses one, and how they are loaded and unloaded.

use std::sync::Arc;

use actix_web::test::TestRequest;
use application::ports::{CatalogError, LabelsSpec, ModelCatalog, ModelLoadError, ModelSpec};
use http_actix::HttpSettings;
use serde_json::{Value, json};
use testkit::FakeMlGateway;

use crate::support::{Answer, Service, other_tasks_run};

const PREDICTIONS: &str = "/api/v1/predictions";

/// A service with two models that may be changed.
fn service() -> Service {
    let service = Service::with_model_changes();
    service.catalog.add(Arc::new(FakeMlGateway::named("fast", "r7")));
    service
}

async fn load(service: &Service, name: &str, body: &Value) -> Answer {
    service.post_json(&format!("/api/v1/models/{name}"), body).await
}

async fn unload(service: &Service, name: &str) -> Answer {
    service.send(TestRequest::delete().uri(&format!("/api/v1/models/{name}"))).await
}

async fn stream(service: &Service, lines: &str) -> Vec<Value> {
    let request = TestRequest::post().uri("/api/v1/predictions/stream");
    let request = request.insert_header(("content-type", "application/x-ndjson"));
    let answer = service.send(request.set_payload(lines.to_owned())).await;
    answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[actix_web::test]
async fn the_body_chooses_the_model_in_a_single_request_a_batch_and_a_stream() {
    let service = service();
    for (model, name) in
        [(json!(null), "fake-model"), (json!("fake-model"), "fake-model"), (json!("fast"), "fast")]
    {
        let body = json!({"text": "good", "model": model});
        let single = service.post_json(PREDICTIONS, &body).await.json();
        assert_eq!(single["model"]["name"], name);
        let batch = json!({"items": [{"text": "good"}, {"text": "bad"}], "model": model});
        let batch = service.post_json(&format!("{PREDICTIONS}/batch"), &batch).await.json();
        for item in batch["items"].as_array().unwrap() {
            assert_eq!(item["prediction"]["model"]["name"], name);
        }
        let lines = stream(&service, &format!("{body}\n{}\n", json!({"text": "good"}))).await;
        assert_eq!(lines[0]["prediction"]["model"]["name"], name);
        assert_eq!(lines[1]["prediction"]["model"]["name"], "fake-model");
    }
    let stored = service.get("/api/v1/predictions?model=fast").await.json();
    assert_eq!(stored["items"].as_array().map(Vec::len), Some(4));
}

#[actix_web::test]
async fn an_unknown_model_is_reported_with_its_field() {
    let service = service();
    let unknown = (422, "unknown_model".to_owned(), Some("model".to_owned()));
    let body = json!({"text": "good", "model": "slow"});
    assert_eq!(service.post_json(PREDICTIONS, &body).await.problem(), unknown);
    let batch = json!({"items": [{"text": "good"}], "model": "slow"});
    assert_eq!(service.post_json(&format!("{PREDICTIONS}/batch"), &batch).await.problem(), unknown);
    let lines = stream(&service, &format!("{body}\n{}\n", json!({"text": "good"}))).await;
    assert_eq!((&lines[0]["status"], &lines[0]["problem"]["field"]), (&json!(422), &json!("model")));
    assert_eq!(lines[1]["status"], 200, "the other lines are not affected");

    let wrong = service.post_json(PREDICTIONS, &json!({"text": "good", "model": 7})).await;
    assert_eq!(wrong.problem(), (422, "wrong_type".into(), Some("model".into())));
    let item = json!({"items": [{"text": "good", "model": "fast"}]});
    let item = service.post_json(&format!("{PREDICTIONS}/batch"), &item).await.json();
    assert_eq!(item["items"][0]["problem"]["code"], "unknown_field", "a batch has one model");
}

#[actix_web::test]
async fn a_model_is_loaded_replaced_and_unloaded() {
    let service = service();
    let first = load(&service, "new", &json!({"path": "one"})).await;
    assert_eq!((first.status, &first.json()["revision"]), (201, &json!("one")));
    assert_eq!((&first.json()["name"], &first.json()["default"]), (&json!("new"), &json!(false)));
    let second = load(&service, "new", &json!({"path": "two"})).await;
    assert_eq!((second.status, &second.json()["revision"]), (200, &json!("two")));
    let names = |list: &Value| -> Vec<String> {
        list["items"].as_array().unwrap().iter().map(|model| model["name"].as_str().unwrap().into()).collect()
    };
    assert_eq!(names(&service.get("/api/v1/models").await.json()), ["fake-model", "fast", "new"]);
    let gone = unload(&service, "new").await;
    assert_eq!((gone.status, gone.body.len()), (204, 0));
    assert_eq!(unload(&service, "new").await.problem(), (404, "not_found".into(), None));
    assert_eq!(names(&service.get("/api/v1/models").await.json()), ["fake-model", "fast"]);
    service.assert_nothing_logged_at_error();
}

#[actix_web::test]
async fn every_key_of_a_models_section_is_accepted() {
    let service = service();
    let body = json!({
        "path": "one", "precision": "int8", "device": "cpu", "window": 254, "overlap": 32.0,
        "labels": {"LABEL_0": "negative"}, "threads": 1, "max_batch_tokens": 256, "max_queue_tokens": 1024,
        "max_queue_items": 64, "max_wait": 2.5,
    });
    assert_eq!(load(&service, "new", &body).await.status, 201);
    let table = [("LABEL_0".to_owned(), "negative".to_owned())].into();
    let expected = ModelSpec {
        path: "one".to_owned(),
        precision: Some("int8".to_owned()),
        device: Some("cpu".to_owned()),
        window: Some(254),
        overlap: Some(32),
        labels: Some(LabelsSpec::Table(table)),
        threads: Some(1),
        max_batch_tokens: Some(256),
        max_queue_tokens: Some(1_024),
        max_queue_items: Some(64),
        max_wait: Some(2.5),
    };
    assert_eq!(service.catalog.loads()[0].1, expected);
    load(&service, "new", &json!({"path": "one", "labels": "raw", "window": null})).await;
    assert_eq!(service.catalog.loads()[1].1.labels, Some(LabelsSpec::Rule("raw".to_owned())));
}

#[actix_web::test]
async fn errors_of_a_model_spec_name_the_field() {
    let service = service();
    for (body, code, field) in [
        (json!({}), "missing_field", Some("path")),
        (json!({"path": 7}), "wrong_type", Some("path")),
        (json!({"path": "one", "name": "two"}), "unknown_field", Some("name")),
        (json!({"path": "one", "window": "long"}), "wrong_type", Some("window")),
        (json!({"path": "one", "threads": 0.5}), "wrong_type", Some("threads")),
        (json!({"path": "one", "max_wait": "2s"}), "wrong_type", Some("max_wait")),
        (json!({"path": "one", "labels": 7}), "wrong_type", Some("labels")),
        (json!({"path": "one", "labels": {"a": 7}}), "wrong_type", Some("labels.a")),
        (json!([]), "wrong_type", None),
    ] {
        let refused = load(&service, "new", &body).await.problem();
        assert_eq!(refused, (422, code.to_owned(), field.map(str::to_owned)), "{body}");
    }
    for name in ["a%20b", "-a", "%C3%A4", &"x".repeat(65)] {
        let malformed = (422, "malformed".to_owned(), Some("name".to_owned()));
        assert_eq!(load(&service, name, &json!({"path": "one"})).await.problem(), malformed, "{name}");
        assert_eq!(unload(&service, name).await.problem(), malformed, "{name}");
    }
    assert!(service.catalog.loads().is_empty());
}

#[actix_web::test]
async fn a_failed_change_of_models_says_why() {
    let service = service();
    let default = unload(&service, "fake-model").await;
    assert_eq!(default.problem(), (400, "default_model".into(), None));
    service.catalog.fail_with(CatalogError::Busy);
    assert_eq!(
        load(&service, "fast", &json!({"path": "one"})).await.problem(),
        (409, "conflict".into(), None)
    );
    let why = "one/config.json is missing".to_owned();
    service.catalog.fail_with(ModelLoadError::NotLoadable { field: "path", why }.into());
    let refused = load(&service, "fast", &json!({"path": "one"})).await;
    assert_eq!(refused.problem(), (422, "not_loadable".into(), Some("path".into())));
    assert_eq!(refused.json()["detail"], "path cannot be used: one/config.json is missing");
    service.assert_nothing_logged_at_error();
}

#[actix_web::test]
async fn a_model_that_is_temporarily_unavailable_is_not_the_clients_fault() {
    let service = service();
    let why = "the hub http://hub.internal answered 429".to_owned();
    service.catalog.fail_with(ModelLoadError::Unavailable { why }.into());
    let answer = load(&service, "fast", &json!({"path": "org/name"})).await;
    assert_eq!(answer.problem(), (503, "unavailable".into(), None));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(!answer.text().contains("hub"), "the cause is for the log");
}

#[actix_web::test]
async fn loading_continues_when_the_client_disconnects() {
    let service = service();
    service.catalog.hold();
    let call = service.begin_post("/api/v1/models/new", &json!({"path": "one"})).await;
    drop(call);
    other_tasks_run().await;
    assert_eq!((service.catalog.loads().len(), service.catalog.models().len()), (1, 2));
    service.catalog.release();
    other_tasks_run().await;
    assert_eq!(service.catalog.models().len(), 3);
}

#[actix_web::test]
async fn models_cannot_be_changed_if_that_is_turned_off() {
    let service = Service::new();
    let route = "/api/v1/models/fast";
    let no_json = TestRequest::post().uri(route).insert_header(("content-type", "application/json"));
    let too_large = "x".repeat(HttpSettings::default().max_body_bytes + 1);
    let answers = [
        load(&service, "fast", &json!({"path": "one"})).await,
        load(&service, "fast", &json!({"path": 7, "other": "x"})).await,
        load(&service, "-a", &json!({})).await,
        service.post_json(&format!("{route}?a=b"), &json!({"path": "one"})).await,
        service.send(TestRequest::post().uri(route)).await,
        service.send(no_json.set_payload("{")).await,
        service.post_json(route, &json!({ "path": too_large })).await,
        unload(&service, "fake-model").await,
        service.send(TestRequest::delete().uri(&format!("{route}?a=b"))).await,
    ];
    for answer in answers {
        assert_eq!(answer.problem(), (403, "turned_off".into(), None));
        assert!(answer.json()["detail"].as_str().unwrap().contains("server.model_changes"));
    }
    assert!(service.catalog.loads().is_empty());
    assert_eq!(service.get("/api/v1/models").await.json()["items"].as_array().map(Vec::len), Some(1));
}
