//! Faults of the server and its dependencies, and what the client sees of them.

use std::sync::Arc;

use actix_web::test::TestRequest;
use domain::value_objects::{PredictionId, TenantId};
use insta::assert_json_snapshot;
use serde_json::json;

use testkit::MlFailure;

use crate::support::{FAILS, PANICS, Service};

#[actix_web::test]
async fn a_full_queue_is_a_503_with_retry_after_and_not_logged_as_an_error() {
    let service = Service::with(|settings| settings.retry_after_s = 7);
    service.model.refuse_all(MlFailure::Saturated);
    let answer = service.post_json("/api/v1/predictions", &json!({"text": "fine"})).await;
    assert_eq!(answer.problem(), (503, "saturated".into(), None));
    assert_eq!(answer.header("retry-after"), Some("7"));
    service.assert_nothing_logged_at_error();
    service.assert_nothing_stored();
}

#[actix_web::test]
async fn a_model_that_is_unavailable_or_late_is_a_503_without_the_cause() {
    let service = Service::new();
    let failures =
        [(MlFailure::Unavailable, "unavailable"), (MlFailure::DeadlineExceeded, "deadline_exceeded")];
    for (failure, code) in failures {
        service.model.refuse_all(failure);
        let answer = service.post_json("/api/v1/predictions", &json!({"text": "fine"})).await;
        assert_eq!(answer.problem(), (503, code.into(), None));
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert!(!answer.text().contains("the model is away"), "{}", answer.text());
    }
    assert_eq!(service.errors_logged(), 1, "a client may shorten its deadline at will");
}

#[actix_web::test]
async fn a_store_that_is_down_is_a_503_without_the_cause() {
    let service = Service::new();
    let id = service.create(&json!({"text": "fine"})).await;
    service.break_the_store();
    let created = service.post_json("/api/v1/predictions", &json!({"text": "fine"})).await;
    assert_json_snapshot!("an_unavailable_service", created.json());
    let read = service.get(&format!("/api/v1/predictions/{id}")).await;
    let listed = service.get("/api/v1/predictions").await;
    let batch = service.post_json("/api/v1/predictions/batch", &json!({"items": [{"text": "fine"}]})).await;
    for answer in [created, read, listed, batch] {
        assert_eq!(answer.problem(), (503, "unavailable".into(), None));
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert!(!answer.text().contains("secret"), "{}", answer.text());
    }
    assert_eq!(service.errors_logged(), 4, "each is logged once, where it is handled");
}

#[actix_web::test]
async fn a_failed_inference_is_a_500_with_its_own_code() {
    let service = Service::new();
    let answer = service.post_json("/api/v1/predictions", &json!({"text": FAILS})).await;
    assert_eq!(answer.problem(), (500, "inference_failed".into(), None));
    assert_eq!(answer.header("retry-after"), None);
    assert!(!answer.text().contains("NaN"), "{}", answer.text());
    assert_eq!(service.metrics.value("undertone_internal_errors_total{}"), None);
    service.assert_nothing_stored();
}

#[actix_web::test]
async fn a_row_that_cannot_be_read_is_an_internal_error_that_is_logged_once() {
    let service = Service::new();
    let id = service.create(&json!({"text": "fine"})).await;
    let row = PredictionId::parse("id", &id).unwrap();
    service.store.corrupt(&TenantId::default(), row);
    let answer = service.get(&format!("/api/v1/predictions/{id}")).await;
    assert_eq!(answer.problem(), (500, "internal".into(), None));
    assert_eq!(answer.header("retry-after"), None, "the row stays unreadable");
    assert!(!answer.text().contains("column"), "{}", answer.text());
    let errors = service.log.errors();
    assert_eq!(errors.len(), 1);
    assert!(errors[0].contains("row") && errors[0].contains("labels"), "{errors:?}");
    assert_eq!(service.metrics.value("undertone_internal_errors_total{}"), Some(1.0));
}

#[actix_web::test]
async fn a_panic_is_an_internal_error_that_is_logged_once_and_the_service_continues() {
    let mut service = Service::new();
    service.state.render_metrics = Arc::new(|| panic!("a bug"));
    let answer = service.get("/metrics").await;
    assert_eq!(answer.problem(), (500, "internal".into(), None));
    assert_eq!(answer.header("retry-after"), None);
    assert!(!answer.text().contains("bug"), "{}", answer.text());
    let errors = service.log.errors();
    assert_eq!(errors.len(), 1);
    assert!(errors[0].contains("a bug") && errors[0].contains("request_id=test-request"), "{errors:?}");
    assert_eq!(service.metrics.value("undertone_internal_errors_total{}"), Some(1.0));
    assert_eq!(service.get("/api/v1/models").await.status, 200);
}

#[actix_web::test]
async fn a_panic_in_a_stream_ends_it_without_its_last_line() {
    let service = Service::new();
    let line = |text: &str| json!({"text": text, "options": {"granularity": "sentence"}}).to_string();
    let request = TestRequest::post()
        .uri("/api/v1/predictions/stream")
        .insert_header(("content-type", "application/x-ndjson"))
        .set_payload([line("fine"), line(PANICS)].join("\n"));
    let answer = service.send(request).await;
    assert!(!answer.text().contains("done"), "{}", answer.text());
    let errors = service.log.errors();
    assert_eq!(errors.len(), 1);
    assert!(errors[0].contains("a bug") && errors[0].contains("request_id=test-request"), "{errors:?}");
    assert_eq!(service.metrics.value("undertone_internal_errors_total{}"), Some(1.0));
    let single = json!({"text": PANICS, "options": {"granularity": "sentence"}});
    let answer = service.post_json("/api/v1/predictions", &single).await;
    assert_eq!(answer.problem(), (500, "internal".into(), None));
    assert_eq!(service.metrics.value("undertone_internal_errors_total{}"), Some(2.0));
}
