use actix_web::test::TestRequest;
use serde_json::json;

use crate::support::{Answer, Service};

async fn with_id(id: Option<&str>) -> Answer {
    let mut request = TestRequest::get().uri("/nowhere");
    if let Some(id) = id {
        request = request.insert_header(("x-request-id", id));
    }
    Service::new().send_unnamed(request).await
}

#[actix_web::test]
async fn a_well_formed_request_id_is_echoed_in_the_header_and_in_the_problem() {
    for id in ["a", "Trace-17_b.c", &"x".repeat(128)] {
        let answer = with_id(Some(id)).await;
        assert_eq!(answer.header("x-request-id"), Some(id));
        assert_eq!(answer.json()["request_id"], id);
    }
}

#[actix_web::test]
async fn any_other_request_id_is_replaced_by_a_new_one() {
    for id in [None, Some(""), Some("a b"), Some("a\tb"), Some("é"), Some("x\"y"), Some(&*"x".repeat(129))] {
        let answer = with_id(id).await;
        let new = answer.header("x-request-id").unwrap();
        assert_eq!((new.len(), new.as_bytes()[14]), (36, b'7'), "{id:?} gave {new}");
        assert_eq!(answer.json()["request_id"], new);
    }
    assert_ne!(with_id(None).await.header("x-request-id"), with_id(None).await.header("x-request-id"));
}

#[actix_web::test]
async fn every_response_has_the_security_headers() {
    let service = Service::new();
    for path in ["/api/v1/models", "/nowhere", "/health/live", "/metrics", "/openapi.json"] {
        let answer = service.get(path).await;
        assert_eq!(
            answer.header("content-security-policy"),
            Some("default-src 'none'; frame-ancestors 'none'"),
            "{path}"
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("strict-transport-security"), None);
    }
}

#[actix_web::test]
async fn hsts_is_sent_if_it_is_configured() {
    let service = Service::with(|settings| settings.hsts_max_age_s = Some(31_536_000));
    let answer = service.get("/api/v1/models").await;
    assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000"));
}

#[actix_web::test]
async fn predictions_are_json_and_problems_problem_json() {
    let service = Service::new();
    let answer = service.post_json("/api/v1/predictions", &json!({"text": "a"})).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let answer = service.post_json("/api/v1/predictions", &json!({})).await;
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
}

#[actix_web::test]
async fn connections_close_after_their_next_response_while_the_service_drains() {
    let service = Service::new();
    assert!(!service.get("/api/v1/models").await.closes);
    service.state.use_cases.health.drain();
    for path in ["/api/v1/models", "/nowhere", "/health/ready"] {
        assert!(service.get(path).await.closes, "{path}");
    }
}
