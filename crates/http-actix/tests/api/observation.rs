//! What operators see of a request: one line in the log, its spans, and metrics by route pattern.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use serde_json::json;

use crate::support::{Service, uuid};

#[actix_web::test]
async fn every_request_leaves_one_line_without_its_query_or_body() {
    let service = Service::new();
    service
        .post_json("/api/v1/predictions", &json!({"text": "a very private text", "ref": "private-ref"}))
        .await;
    service.get("/api/v1/predictions?q=private&ref=private-ref").await;
    service.get(&format!("/api/v1/predictions/{}", uuid(99))).await;
    service.get("/private/path").await;

    let lines = service.log.lines("undertone::http");
    assert_eq!(lines.len(), 4);
    for (line, expected) in lines.iter().zip([
        "POST /api/v1/predictions 200 in",
        "GET /api/v1/predictions 200 in",
        "GET /api/v1/predictions/{id} 404 in",
        "GET unmatched 404 in",
    ]) {
        assert!(line.contains(expected), "{line}");
        assert!(line.contains("request_id=test-request"), "{line}");
        assert!(line.contains("duration_ms="), "{line}");
    }
    assert!(!service.log.text().contains("private"), "{}", service.log.text());
}

#[actix_web::test]
async fn a_request_is_one_span_around_those_of_its_controller_and_use_case() {
    let service = Service::new();
    service.post_json("/api/v1/predictions", &json!({"text": "a very private text"})).await;
    service.get(&format!("/api/v1/predictions/{}", uuid(99))).await;

    let create =
        "http.request request_id=test-request method=POST endpoint=/api/v1/predictions status_code=200";
    let get =
        "http.request request_id=test-request method=GET endpoint=/api/v1/predictions/{id} status_code=404";
    let expected = [
        create.to_owned(),
        format!("{create} > app.action action=AdmitRequestUseCase.execute"),
        format!("{create} > app.action action=PredictionController.create"),
        format!(
            "{create} > app.action action=PredictionController.create > app.action \
             action=PredictSentimentUseCase.execute"
        ),
        get.to_owned(),
        format!("{get} > app.action action=AdmitRequestUseCase.execute"),
        format!("{get} > app.action action=PredictionController.get"),
        format!(
            "{get} > app.action action=PredictionController.get > app.action \
             action=GetPredictionUseCase.execute"
        ),
    ];
    assert_eq!(service.log.spans(), expected);
}

#[actix_web::test]
async fn every_action_is_logged_with_its_name_and_outcome() {
    let service = Service::new();
    service.post_json("/api/v1/predictions", &json!({"text": "fine"})).await;
    service.get(&format!("/api/v1/predictions/{}", uuid(99))).await;
    let actions = service.log.lines("undertone::action").join("\n");
    for expected in [
        "→ PredictionController.create",
        "→ PredictSentimentUseCase.execute",
        "✓ PredictSentimentUseCase.execute",
        "✓ PredictionController.create",
        "✗ GetPredictionUseCase.execute",
        "✗ PredictionController.get",
    ] {
        assert!(actions.contains(expected), "{expected} is missing in\n{actions}");
    }
    assert!(actions.contains("request_id=test-request"));
}

#[actix_web::test]
async fn requests_are_counted_by_route_pattern_and_never_by_what_clients_invent() {
    let service = Service::new();
    service.get(&format!("/api/v1/predictions/{}", uuid(1))).await;
    service.get(&format!("/api/v1/predictions/{}", uuid(2))).await;
    service.get("/invented/by/a/caller").await;
    service.get("/console/assets/invented/one.js").await;
    service.get("/console/assets/by/a/caller.js").await;
    let invented = Method::from_bytes(b"INVENTED").unwrap();
    service.send(TestRequest::default().method(invented).uri("/api/v1/models")).await;

    let metrics = &service.metrics;
    let counted = |labels: &str| metrics.value(&format!("http_requests_total{{{labels}}}"));
    let by_id = "endpoint=/api/v1/predictions/{id},method=GET,status_code=404";
    assert_eq!(counted(by_id), Some(2.0));
    let of_console = "endpoint=/console/assets/{version}/{path:.*},method=GET,status_code=404";
    assert_eq!(counted(of_console), Some(2.0));
    assert_eq!(counted("endpoint=unmatched,method=GET,status_code=404"), Some(1.0));
    assert_eq!(counted("endpoint=/api/v1/models,method=OTHER,status_code=405"), Some(1.0));
    assert_eq!(metrics.value("http_request_duration_seconds{endpoint=unmatched,method=GET}"), Some(1.0));
    assert_eq!(metrics.value("http_requests_active{}"), Some(0.0));
    assert!(!metrics.text().contains("invented") && !metrics.text().contains("INVENTED"));
}

#[actix_web::test]
async fn a_request_is_active_until_its_last_byte_is_sent_or_its_client_disconnects() {
    let service = Service::new();
    service.model.hold_all();
    let request = service.begin_post("/api/v1/predictions", &json!({"text": "fine"})).await;
    assert_eq!(service.metrics.value("http_requests_active{}"), Some(1.0));
    drop(request);
    assert_eq!(service.metrics.value("http_requests_active{}"), Some(0.0));
    let left = "http_requests_total{endpoint=/api/v1/predictions,method=POST,status_code=499}";
    assert_eq!(service.metrics.value(left), Some(1.0));
    let request = service.log.spans().remove(0);
    assert!(request.ends_with("status_code=499"), "{request}");
}
