use actix_web::test::TestRequest;
use insta::assert_json_snapshot;
use serde_json::json;

use crate::support::{Listener, Service};

#[actix_web::test]
async fn a_running_process_is_live_whatever_its_components_report() {
    let service = Service::new();
    service.store_check.fail_with("a secret of the component");
    service.check_health().await;
    let answer = service.get("/health/live").await;
    assert_eq!((answer.status, answer.json()), (200, json!({"status": "ok"})));
}

#[actix_web::test]
async fn the_service_is_ready_after_a_good_check_and_not_while_it_drains() {
    let service = Service::new();
    let answer = service.get("/health/ready").await;
    assert_eq!((answer.status, answer.json()), (503, json!({"status": "not_ready"})));
    service.check_health().await;
    let answer = service.get("/health/ready").await;
    assert_eq!((answer.status, answer.json()), (200, json!({"status": "ready"})));
    service.state.use_cases.health.drain();
    assert_eq!(service.get("/health/ready").await.status, 503);
}

#[actix_web::test]
async fn the_service_stays_ready_until_its_store_has_failed_for_two_seconds() {
    let service = Service::new();
    service.check_health().await;
    service.store_check.fail_with("a secret of the component");
    service.check_health().await;
    service.a_second_passes();
    assert_eq!(service.get("/health/ready").await.status, 200);
    service.a_second_passes();
    assert_eq!(service.get("/health/ready").await.status, 503);
    service.store_check.recover();
    service.check_health().await;
    assert_eq!(service.get("/health/ready").await.status, 200);
}

#[actix_web::test]
async fn the_report_is_503_only_if_the_service_is_unhealthy() {
    let service = Service::new();
    assert_eq!(service.get("/health").await.status, 503, "no check has run yet");
    service.check_health().await;
    let answer = service.get("/health").await;
    assert_eq!(answer.status, 200);
    let redactions = |name, answer: serde_json::Value| {
        assert_json_snapshot!(name, answer, {".uptime_seconds" => "[seconds]", ".components[].latency_ms" => "[ms]"});
    };
    redactions("a_healthy_service", answer.json());

    service.cache_check.fail_with("a secret of the component");
    service.check_health().await;
    let answer = service.get("/health").await;
    assert_eq!(answer.status, 200);
    redactions("a_degraded_service", answer.json());

    service.store_check.fail_with("a secret of the component");
    service.check_health().await;
    let answer = service.get("/health").await;
    assert_eq!((answer.status, &answer.json()["status"]), (503, &json!("unhealthy")));
}

#[actix_web::test]
async fn with_a_listener_for_operators_the_public_one_reports_no_details() {
    let service = Service::with(|settings| settings.admin_split = true);
    service.check_health().await;
    let answer = service.get("/health").await;
    assert_eq!((answer.status, answer.json()), (200, json!({"status": "healthy"})));
    assert_eq!(service.get("/metrics").await.problem(), (404, "unknown_route".into(), None));
}

#[actix_web::test]
async fn the_operators_listener_has_details_and_metrics_and_nothing_else() {
    let service = Service::with(|settings| settings.admin_split = true);
    service.check_health().await;
    let get = |path| service.send_to(Listener::Admin, TestRequest::get().uri(path));
    assert_eq!(get("/health").await.json()["components"].as_array().map(Vec::len), Some(2));
    assert_eq!(get("/health/live").await.status, 200);
    assert_eq!(get("/health/ready").await.status, 200);
    assert_eq!(get("/metrics").await.status, 200);
    assert_eq!(get("/api/v1/models").await.problem(), (404, "unknown_route".into(), None));
}

#[actix_web::test]
async fn metrics_come_in_the_prometheus_text_format() {
    let answer = Service::new().get("/metrics").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert_eq!(answer.body, "undertone_build_info 1\n");
}
