use actix_web::test::TestRequest;
use http_actix::AllowedHosts;
use insta::assert_json_snapshot;

use crate::support::{Listener, Service};

fn service() -> Service {
    Service::with(|settings| {
        settings.allowed_hosts = AllowedHosts::LoopbackAnd(vec!["sentiment.example".to_owned()]);
    })
}

fn get(path: &str, host: &str) -> TestRequest {
    TestRequest::get().uri(path).insert_header(("host", host))
}

#[actix_web::test]
async fn a_request_for_another_host_is_misdirected() {
    let service = service();
    for path in
        ["/api/v1/predictions", "/metrics", "/docs", "/console/", "/openapi.json", "/health", "/nowhere"]
    {
        let answer = service.send(get(path, "evil.example:8000")).await;
        assert_eq!(
            (answer.status, answer.json()["code"].as_str()),
            (421, Some("misdirected_request")),
            "{path}"
        );
        assert_eq!(answer.header("x-request-id"), Some("test-request"));
        assert_ne!(service.send(get(path, "localhost:8000")).await.status, 421, "{path}");
    }
    let answer = service.send(get("/api/v1/predictions", "evil.example")).await;
    assert_json_snapshot!("misdirected", answer.json());
    let answer = service.send_to(Listener::Admin, get("/metrics", "evil.example")).await;
    assert_eq!(answer.status, 421);
}

#[actix_web::test]
async fn listed_hosts_are_allowed_and_a_missing_host_is_not() {
    let service = service();
    assert_eq!(service.send(get("/health", "Sentiment.Example:443")).await.status, 503);
    assert_eq!(service.send(TestRequest::get().uri("/health")).await.status, 421);
    assert_eq!(Service::new().send(get("/health", "any.example")).await.status, 503);
}

/// RFC 9112, section 3.2.2: the host of an absolute target takes precedence over the header.
#[actix_web::test]
async fn an_absolute_target_names_the_host() {
    let service = service();
    let answer = service.send(get("http://evil.example/health", "localhost")).await;
    assert_eq!(answer.status, 421);
    let answer = service.send(get("http://localhost:8000/health", "evil.example")).await;
    assert_eq!(answer.status, 503);
}

#[actix_web::test]
async fn probes_are_answered_whatever_their_host() {
    let service = service();
    assert_eq!(service.send(get("/health/live", "10.1.2.3:8000")).await.status, 200);
    assert_eq!(service.send(get("/health/ready", "10.1.2.3:8000")).await.status, 503);
}
