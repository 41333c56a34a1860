//! Requests that are sent again with their idempotency key.

use actix_web::test::TestRequest;
use domain::value_objects::{Scope, TenantId};
use serde_json::{Value, json};
use testkit::MlFailure;

use crate::access::{add_tenant, key_of, service as with_authentication, with_key};
use crate::support::{Answer, FAILS, PANICS, Service, other_tasks_run, post};

const PREDICTIONS: &str = "/api/v1/predictions";
const BATCH: &str = "/api/v1/predictions/batch";

fn keyed(path: &str, key: &str, body: &Value) -> TestRequest {
    post(path, body).insert_header(("idempotency-key", key))
}

async fn send(service: &Service, path: &str, key: &str, body: &Value) -> Answer {
    service.send(keyed(path, key, body)).await
}

fn replayed(answer: &Answer) -> Option<&str> {
    answer.header("idempotent-replayed")
}

fn stored(service: &Service) -> usize {
    service.store.stored(&TenantId::default()).len()
}

#[actix_web::test]
async fn the_same_request_gets_the_first_response_again() {
    let service = Service::new();
    let body = json!({
        "text": "I love it. I hate it.",
        "ref": "review-17",
        "metadata": {"stars": 5, "share": 0.1},
        "options": {"granularity": "sentence", "raw": true, "top_k": 2}
    });
    let first = send(&service, PREDICTIONS, "a", &body).await;
    assert_eq!((first.status, replayed(&first)), (200, None));
    service.model.cached("I love it. I hate it.");
    for key in ["a", "\"a\""] {
        let again = send(&service, PREDICTIONS, key, &body).await;
        assert_eq!((again.status, replayed(&again)), (200, Some("true")));
        assert_eq!(again.body, first.body);
        assert_eq!(again.header("cache-status"), Some("undertone; fwd=miss; stored"));
    }
    assert_eq!((stored(&service), service.limiter.texts().len()), (1, 1), "a repetition counts no text");
    let other = send(&service, PREDICTIONS, "b", &body).await;
    assert_eq!((other.status, replayed(&other), stored(&service)), (200, None, 2));
    service.assert_nothing_logged_at_error();
}

#[actix_web::test]
async fn a_batch_gets_its_first_response_again_with_the_items_that_failed() {
    let service = Service::new();
    service.model.fail("busy", MlFailure::Saturated);
    let body = json!({"items": [
        {"text": "I love it", "ref": "a"},
        {"text": " ", "ref": "b"},
        {"text": FAILS, "ref": "c"},
        {"text": 7, "ref": "d"},
        "e",
        {"text": "busy"},
        {"text": "Never again", "metadata": {"stars": 1}},
        {"text": "f", "other": 1},
    ]});
    let first = send(&service, BATCH, "a", &body).await;
    assert_eq!((first.status, &first.json()["succeeded"]), (200, &json!(2)));
    service.model.recover("busy");
    service.model.recover(FAILS);
    let again = send(&service, BATCH, "a", &body).await;
    assert_eq!((again.status, replayed(&again)), (200, Some("true")));
    assert_eq!(again.text(), first.text());
    assert_eq!(stored(&service), 2);
}

#[actix_web::test]
async fn another_request_with_the_same_key_is_refused() {
    let service = Service::new();
    let body = json!({"text": "good"});
    send(&service, PREDICTIONS, "a", &body).await;
    let reused = (422, "idempotency_key_reused".to_owned(), None);
    for other in [json!({"text": "bad"}), json!({"text": "good", "ref": "r"})] {
        assert_eq!(send(&service, PREDICTIONS, "a", &other).await.problem(), reused);
    }
    let spaced = post(PREDICTIONS, &body).set_payload("{\"text\": \"good\"}");
    let spaced = spaced.insert_header(("idempotency-key", "a"));
    assert_eq!(service.send(spaced).await.problem(), reused, "another body means the same");
    let batch = json!({"items": [body]});
    assert_eq!(send(&service, BATCH, "a", &batch).await.problem(), reused);
    assert_eq!(stored(&service), 1);
}

#[actix_web::test]
async fn a_key_belongs_to_its_tenant() {
    let service = with_authentication();
    let acme = add_tenant(&service, "acme").await;
    let (ours, theirs) = (
        key_of(&service, &TenantId::default(), &[Scope::PredictionsWrite]).await,
        key_of(&service, &acme, &[Scope::PredictionsWrite]).await,
    );
    for (credential, text) in [(&ours, "good"), (&theirs, "bad")] {
        let request = with_key(keyed(PREDICTIONS, "a", &json!({ "text": text })), credential);
        let answer = service.send(request).await;
        assert_eq!((answer.status, replayed(&answer)), (200, None));
    }
}

#[actix_web::test]
async fn a_request_in_progress_is_not_answered_twice_and_continues_without_its_client() {
    let service = Service::new();
    let body = json!({"text": "good"});
    service.model.hold("good");
    let first = service.begin(keyed(PREDICTIONS, "a", &body)).await;
    service.model.until_in_work(1).await;
    drop(first);
    other_tasks_run().await;
    let again = send(&service, PREDICTIONS, "a", &body).await;
    assert_eq!(again.problem(), (409, "idempotency_in_progress".into(), None));
    assert_eq!(again.header("retry-after"), Some("1"));
    let other = send(&service, PREDICTIONS, "a", &json!({"text": "bad"})).await;
    assert_eq!(other.problem(), (422, "idempotency_key_reused".into(), None));
    assert_eq!(stored(&service), 0);

    service.model.release("good");
    other_tasks_run().await;
    assert_eq!(stored(&service), 1, "the request ended without its client");
    let again = send(&service, PREDICTIONS, "a", &body).await;
    assert_eq!((again.status, replayed(&again), stored(&service)), (200, Some("true"), 1));
    service.assert_nothing_logged_at_error();
}

#[actix_web::test]
async fn a_batch_continues_without_its_client_and_a_request_without_a_key_does_not() {
    let service = Service::new();
    service.model.hold_all();
    let body = json!({"items": [{"text": "good"}, {"text": "bad"}]});
    let with_key = service.begin(keyed(BATCH, "a", &body)).await;
    let without = service.begin_post(BATCH, &body).await;
    service.model.until_in_work(4).await;
    drop((with_key, without));
    other_tasks_run().await;
    assert_eq!(service.model.in_work(), 2);
    service.model.release_all();
    other_tasks_run().await;
    assert_eq!(stored(&service), 2);
    assert_eq!(replayed(&send(&service, BATCH, "a", &body).await), Some("true"));
}

#[actix_web::test]
async fn a_deleted_prediction_is_gone() {
    let service = Service::new();
    let (single, batch) = (json!({"text": "good"}), json!({"items": [{"text": "good"}, {"text": "bad"}]}));
    let one = send(&service, PREDICTIONS, "a", &single).await.json()["id"].clone();
    let two = send(&service, BATCH, "b", &batch).await.json()["items"][0]["prediction"]["id"].clone();
    for id in [&one, &two] {
        let path = format!("{PREDICTIONS}/{}", id.as_str().unwrap());
        assert_eq!(service.send(TestRequest::delete().uri(&path)).await.status, 204);
    }
    let gone = send(&service, PREDICTIONS, "a", &single).await;
    assert_eq!(gone.problem(), (410, "gone".into(), None));
    assert_eq!(gone.json()["detail"], format!("prediction {} was deleted", one.as_str().unwrap()));
    let again = send(&service, BATCH, "b", &batch).await;
    assert_eq!((again.status, replayed(&again)), (200, Some("true")));
    let again = again.json();
    assert_eq!((&again["succeeded"], &again["failed"]), (&json!(1), &json!(1)));
    let item = &again["items"][0];
    assert_eq!((&item["status"], &item["problem"]["code"]), (&json!(410), &json!("gone")));
    assert_eq!(stored(&service), 1);
}

#[actix_web::test]
async fn a_request_that_failed_as_a_whole_may_be_sent_again() {
    let service = Service::new();
    let (single, batch) = (json!({"text": "good"}), json!({"items": [{"text": "good"}]}));
    for (path, key, body) in [(PREDICTIONS, "a", &single), (BATCH, "b", &batch)] {
        service.model.refuse_all(MlFailure::Saturated);
        assert_eq!(send(&service, path, key, body).await.status, 503);
        service.model.admit_all();
        service.break_the_store();
        assert_eq!(send(&service, path, key, body).await.status, 503);
        service.store.recover();
        let answer = send(&service, path, key, body).await;
        assert_eq!((answer.status, replayed(&answer)), (200, None), "{path}");
    }
    let failing = json!({ "text": FAILS });
    assert_eq!(send(&service, PREDICTIONS, "c", &failing).await.status, 500);
    service.model.recover(FAILS);
    let answer = send(&service, PREDICTIONS, "c", &failing).await;
    assert_eq!((answer.status, replayed(&answer)), (200, None));
    assert_eq!(stored(&service), 3);
}

#[actix_web::test]
async fn a_panic_of_a_request_with_a_key_is_an_internal_error_and_the_request_may_be_sent_again() {
    let service = Service::new();
    let body = json!({"text": PANICS, "options": {"granularity": "sentence"}});
    let answer = send(&service, PREDICTIONS, "a", &body).await;
    assert_eq!(answer.problem(), (500, "internal".into(), None));
    assert_eq!(service.errors_logged(), 1);
    assert_eq!(service.metrics.value("undertone_internal_errors_total{}"), Some(1.0));
    service.splitter.repair();
    for expected in [None, Some("true")] {
        let again = send(&service, PREDICTIONS, "a", &body).await;
        assert_eq!((again.status, replayed(&again), stored(&service)), (200, expected, 1));
    }
}

#[actix_web::test]
async fn a_key_that_is_not_allowed_is_refused_with_its_field() {
    let service = Service::new();
    let field = || Some("Idempotency-Key".to_owned());
    for (path, body) in [(PREDICTIONS, json!({"text": "a"})), (BATCH, json!({"items": [{"text": "a"}]}))] {
        for (key, code) in [("", "blank"), ("\"a", "malformed"), (&*"x".repeat(256), "too_long")] {
            let answer = send(&service, path, key, &body).await;
            assert_eq!(answer.problem(), (422, code.into(), field()), "{path} {key}");
        }
        let twice = keyed(path, "a", &body).append_header(("idempotency-key", "a"));
        assert_eq!(service.send(twice).await.problem(), (422, "malformed".into(), field()));
    }
    let stream = TestRequest::post()
        .uri("/api/v1/predictions/stream")
        .insert_header(("content-type", "application/x-ndjson"))
        .insert_header(("idempotency-key", "a"))
        .set_payload("{\"text\":\"a\"}\n");
    assert_eq!(service.send(stream).await.problem(), (422, "contradictory".into(), field()));
    service.assert_nothing_stored();
    service.assert_nothing_logged_at_error();
}
