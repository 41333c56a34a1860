use actix_web::http::Method;
use actix_web::test::TestRequest;

use crate::support::Service;

fn with_origins(origins: &[&str]) -> Service {
    Service::with(|settings| {
        settings.cors_origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
    })
}

fn preflight(origin: &str) -> TestRequest {
    TestRequest::default()
        .method(Method::OPTIONS)
        .uri("/api/v1/predictions")
        .insert_header(("origin", origin))
        .insert_header(("access-control-request-method", "POST"))
        .insert_header(("access-control-request-headers", "content-type"))
}

fn models(origin: &str) -> TestRequest {
    TestRequest::get().uri("/api/v1/models").insert_header(("origin", origin))
}

#[actix_web::test]
async fn without_configured_origins_no_page_may_call_the_api() {
    let service = Service::new();
    let answer = service.send(models("https://app.example")).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, None));
    assert_eq!(service.send(preflight("https://app.example")).await.status, 405);
}

#[actix_web::test]
async fn a_configured_origin_may_call_the_api_and_another_may_not() {
    let service = with_origins(&["https://app.example"]);
    let answer = service.send(preflight("https://app.example")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example"));
    assert!(answer.header("access-control-allow-methods").is_some_and(|methods| methods.contains("DELETE")));

    let answer = service.send(models("https://app.example")).await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example"));
    assert!(
        answer.header("access-control-expose-headers").is_some_and(|names| names.contains("x-request-id"))
    );

    let exposed = answer.header("access-control-expose-headers").unwrap().to_owned();
    for name in ["ratelimit", "ratelimit-policy", "idempotent-replayed", "retry-after"] {
        assert!(exposed.split(", ").any(|exposed| exposed == name), "{name} is not among {exposed}");
    }
    for name in ["idempotency-key", "x-request-timeout-ms", "x-api-key"] {
        let asked = preflight("https://app.example").insert_header(("access-control-request-headers", name));
        assert_eq!(service.send(asked).await.status, 200, "{name}");
    }

    let answer = service.send(models("https://evil.example")).await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[actix_web::test]
async fn a_refused_preflight_is_a_problem() {
    let service = with_origins(&["https://app.example"]);
    let answer = service.send(preflight("https://evil.example")).await;
    assert_eq!(answer.problem(), (400, "cors_refused".into(), None));
    assert_eq!(answer.header("access-control-allow-origin"), None);
    let answer = service
        .send(preflight("https://app.example").insert_header(("access-control-request-method", "PUT")))
        .await;
    assert_eq!(answer.problem(), (400, "cors_refused".into(), None));
}

#[actix_web::test]
async fn with_a_star_every_origin_may_call_the_api() {
    let service = with_origins(&["*"]);
    for answer in
        [service.send(models("https://a.example")).await, service.send(preflight("https://b.example")).await]
    {
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some("*")));
    }
}
