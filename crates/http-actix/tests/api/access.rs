//! Who may call what: credentials and scopes.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use application::dtos::{Actor, IssueKeyRequest};
use application::ports::{UnitOfWork, WriteStore};
use domain::entities::{Tenant, TenantStatus};
use domain::value_objects::{Limits, Scope, TenantId, Timestamp};
use http_actix::{Access, HttpSettings, TrustedProxies, public_routes};
use serde_json::{Value, json};

use crate::support::{Answer, Service, uuid};

/// A service whose callers are authenticated.
pub(crate) fn service() -> Service {
    Service::with_authentication(100, |_| {})
}

/// Issues a key of `tenant` and returns it.
pub(crate) async fn key_of(service: &Service, tenant: &TenantId, scopes: &[Scope]) -> String {
    let request = IssueKeyRequest {
        tenant: tenant.clone(),
        scopes: Some(scopes.iter().map(|scope| scope.as_str().to_owned()).collect()),
        name: Some("a test".to_owned()),
        expires_at: None,
        limits: None,
        issuer_limits: Limits::default(),
        replaces: None,
        grantable: None,
        actor: Actor::command_line("ann"),
    };
    service.state.use_cases.issue_key.execute(request).await.unwrap().secret.expose().to_owned()
}

pub(crate) async fn key(service: &Service, scopes: &[Scope]) -> String {
    key_of(service, &TenantId::default(), scopes).await
}

pub(crate) async fn add_tenant(service: &Service, name: &str) -> TenantId {
    let id = TenantId::parse(name).unwrap();
    let mut work = UnitOfWork::of(&id);
    let (limits, created_at) = (Limits::default(), Timestamp::from_micros(0));
    work.insert_tenant(Tenant { id: id.clone(), status: TenantStatus::Active, limits, created_at });
    service.store.commit(work).await.unwrap();
    id
}

pub(crate) fn with_key(request: TestRequest, key: &str) -> TestRequest {
    request.insert_header(("authorization", format!("Bearer {key}")))
}

pub(crate) async fn get(service: &Service, path: &str, key: &str) -> Answer {
    service.send(with_key(TestRequest::get().uri(path), key)).await
}

pub(crate) async fn post(service: &Service, path: &str, key: &str, body: &Value) -> Answer {
    let request = TestRequest::post().uri(path).insert_header(("content-type", "application/json"));
    service.send(with_key(request.set_payload(body.to_string()), key)).await
}

pub(crate) fn code(answer: &Answer) -> (u16, String) {
    let (status, code, _) = answer.problem();
    (status, code)
}

#[actix_web::test]
async fn every_refused_credential_has_the_same_response() {
    let service = service();
    let issued = key(&service, &[Scope::ModelsRead]).await;
    let wrong_secret = format!("{}9", &issued[..issued.len() - 1]);
    let mut bodies = Vec::new();
    for header in [
        None,
        Some(("authorization", "Basic dXQ6dXQ=".to_owned())),
        Some(("authorization", "Bearer ut_1".to_owned())),
        Some(("x-api-key", "ut_1".to_owned())),
        Some(("authorization", format!("Bearer {wrong_secret}"))),
        Some(("authorization", "Bearer a.b.c".to_owned())),
    ] {
        let mut request = TestRequest::get().uri("/api/v1/models");
        request = header.into_iter().fold(request, TestRequest::insert_header);
        let answer = service.send(request).await;
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"undertone\""));
        assert_eq!(code(&answer), (401, "unauthenticated".to_owned()));
        bodies.push(answer.body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    for header in [("authorization", format!("Bearer {issued}")), ("x-api-key", issued)] {
        let request = TestRequest::get().uri("/api/v1/models").insert_header(header);
        assert_eq!(service.send(request).await.status, 200);
    }
}

#[actix_web::test]
async fn a_route_is_open_to_everyone_or_requires_exactly_its_scopes() {
    let service = service();
    for (path, methods) in public_routes(&HttpSettings::default()) {
        let uri = path.replace("predictions/{id}", &format!("predictions/{}", uuid(1)));
        let uri = uri.replace("{id}", "000000000000").replace("{name}", "fast").replace("{file:.*}", "");
        // A feed does not end; its query is refused after its caller.
        let uri = if path == "/api/v1/events" { format!("{uri}?colour=red") } else { uri };
        for (method, access) in methods {
            let request =
                || TestRequest::default().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(&uri);
            let without = service.send(request()).await.status;
            let Access::Caller(any_of) = access else {
                assert!(![401, 403].contains(&without), "{method} {path}: {without}");
                continue;
            };
            assert_eq!(without, 401, "{method} {path}");
            for scope in Scope::ALL {
                let key = key(&service, &[scope]).await;
                let status = service.send(with_key(request(), &key)).await.status;
                let allowed = any_of.is_empty() || any_of.contains(&scope);
                assert_eq!(status == 403, !allowed, "{method} {path} with {scope}: {status}");
            }
        }
    }
}

#[actix_web::test]
async fn unknown_routes_and_methods_are_answered_without_a_key() {
    let service = service();
    assert_eq!(code(&service.get("/api/v1/nothing").await), (404, "unknown_route".to_owned()));
    let answer = service.send(TestRequest::delete().uri("/api/v1/predictions")).await;
    assert_eq!(code(&answer), (405, "method_not_allowed".to_owned()));
    assert_eq!(answer.header("allow"), Some("GET, HEAD, POST"));
}

#[actix_web::test]
async fn a_caller_is_refused_before_anything_else_of_the_request_is_looked_at() {
    let service = service();
    let reader = key(&service, &[Scope::PredictionsRead]).await;
    for (path, body) in [
        ("/api/v1/predictions?colour=red", "{"),
        ("/api/v1/predictions/batch", "[]"),
        ("/api/v1/predictions/stream", "{"),
        ("/api/v1/keys", "{\"scopes\": 7}"),
    ] {
        let request = || TestRequest::post().uri(path).set_payload(body);
        assert_eq!(code(&service.send(request()).await), (401, "unauthenticated".to_owned()), "{path}");
        let answer = service.send(with_key(request(), &reader)).await;
        assert_eq!(code(&answer), (403, "forbidden".to_owned()), "{path}");
    }
    let answer = get(&service, "/api/v1/predictions/not-a-uuid", &reader).await;
    assert_eq!(answer.status, 422);
    service.assert_nothing_logged_at_error();
}

#[actix_web::test]
async fn a_missing_scope_is_named() {
    let service = service();
    let reader = key(&service, &[Scope::PredictionsRead]).await;
    let answer = post(&service, "/api/v1/predictions", &reader, &json!({"text": "good"})).await;
    assert_eq!(code(&answer), (403, "forbidden".to_owned()));
    assert_eq!(answer.json()["detail"], "the scope predictions:write is missing");
    let answer = get(&service, "/api/v1/audit", &reader).await;
    assert_eq!(answer.json()["detail"], "the scope keys:admin is missing");
}

#[actix_web::test]
async fn a_tenants_predictions_exist_for_its_own_callers_alone() {
    let service = service();
    let scopes = [Scope::PredictionsWrite, Scope::PredictionsRead, Scope::PredictionsDelete];
    let ours = key(&service, &scopes).await;
    let acme = add_tenant(&service, "acme").await;
    let theirs = key_of(&service, &acme, &scopes).await;
    let made = post(&service, "/api/v1/predictions", &ours, &json!({"text": "good", "ref": "r"})).await;
    let path = format!("/api/v1/predictions/{}", made.json()["id"].as_str().unwrap());
    assert_eq!(code(&get(&service, &path, &theirs).await), (404, "not_found".to_owned()));
    let deletion = with_key(TestRequest::delete().uri(&path), &theirs);
    assert_eq!(code(&service.send(deletion).await), (404, "not_found".to_owned()));
    assert_eq!(get(&service, "/api/v1/predictions?ref=r", &theirs).await.json()["items"], json!([]));
    assert_eq!(get(&service, &path, &ours).await.status, 200);
}

#[actix_web::test]
async fn a_caller_of_a_disabled_tenant_is_refused_with_403() {
    let service = service();
    let acme = add_tenant(&service, "acme").await;
    let key = key_of(&service, &acme, &[Scope::ModelsRead]).await;
    let mut work = UnitOfWork::of(&acme);
    work.set_tenant_status(TenantStatus::Active, TenantStatus::Disabled);
    service.store.commit(work).await.unwrap();
    for path in ["/api/v1/models", "/api/v1/me"] {
        assert_eq!(code(&get(&service, path, &key).await), (403, "tenant_disabled".to_owned()));
    }
}

#[actix_web::test]
async fn a_caller_sees_who_it_is() {
    let service = service();
    let issued = key(&service, &[Scope::ModelsRead, Scope::MetricsRead]).await;
    assert_eq!(
        get(&service, "/api/v1/me", &issued).await.json(),
        json!({
            "tenant": "default",
            "authentication": "key",
            "key": {"id": &issued[3..15], "name": "a test"},
            "subject": null,
            "scopes": ["models:read", "metrics:read"],
            "limits": {"tenant": null, "caller": null},
            "expires_at": null,
        })
    );
    let anonymous = Service::new().get("/api/v1/me").await.json();
    assert_eq!((&anonymous["authentication"], &anonymous["key"]), (&json!("none"), &Value::Null));
    let scopes: Vec<&str> =
        Scope::ALL.iter().filter(|scope| !scope.is_instance()).map(|s| s.as_str()).collect();
    assert_eq!(anonymous["scopes"], json!(scopes));
}

#[actix_web::test]
async fn where_models_come_from_is_shown_to_those_who_may_change_them() {
    let service = service();
    for (scopes, shown) in
        [(&[Scope::ModelsRead][..], false), (&[Scope::ModelsRead, Scope::ModelsWrite], true)]
    {
        let key = key(&service, scopes).await;
        let models = get(&service, "/api/v1/models", &key).await.json();
        assert_eq!(models["items"][0]["source"].is_object(), shown);
    }
    assert!(Service::new().get("/api/v1/models").await.json()["items"][0]["source"].is_object());
}

#[actix_web::test]
async fn metrics_need_a_scope_where_that_is_configured() {
    let open = service();
    assert_eq!(open.get("/metrics").await.status, 200);
    let protected = Service::with_authentication(100, |settings| settings.protect_metrics = true);
    assert_eq!(protected.get("/metrics").await.status, 401);
    let reader = key(&protected, &[Scope::PredictionsRead]).await;
    assert_eq!(get(&protected, "/metrics", &reader).await.status, 403);
    let scraper = key(&protected, &[Scope::MetricsRead]).await;
    assert_eq!(get(&protected, "/metrics", &scraper).await.status, 200);
}

#[actix_web::test]
async fn an_address_that_fails_too_often_must_wait() {
    let service = Service::with_authentication(2, |settings| {
        settings.trusted_proxies =
            TrustedProxies { networks: vec!["192.0.2.0/24".parse().unwrap()], ..TrustedProxies::default() };
    });
    let issued = key(&service, &[Scope::ModelsRead]).await;
    let from = |client: &str, key: &str| {
        with_key(TestRequest::get().uri("/api/v1/models"), key)
            .peer_addr(([192, 0, 2, 1], 80).into())
            .insert_header(("x-forwarded-for", client))
    };
    let unused = key(&service, &[Scope::ModelsRead]).await;
    assert_eq!(service.send(from("198.51.100.2", &issued)).await.status, 200);
    for expected in [401, 401, 429] {
        assert_eq!(service.send(from("198.51.100.1", "ut_1")).await.status, expected);
    }
    let limited = service.send(from("198.51.100.1", "ut_1")).await;
    assert_eq!(
        (code(&limited), limited.header("retry-after")),
        ((429, "rate_limited".to_owned()), Some("6"))
    );
    assert_eq!(service.send(from("198.51.100.1", &issued)).await.status, 200);
    assert_eq!(service.send(from("198.51.100.1", &unused)).await.status, 429);
    assert_eq!(service.send(from("198.51.100.2", "ut_1")).await.status, 401);
}

#[actix_web::test]
async fn a_store_that_is_down_is_not_taken_for_a_wrong_key() {
    let service = service();
    let issued = key(&service, &[Scope::ModelsRead]).await;
    service.break_the_store();
    assert_eq!(code(&get(&service, "/api/v1/models", &issued).await), (503, "unavailable".to_owned()));
}

#[actix_web::test]
async fn no_key_is_logged() {
    let service = service();
    let issued = key(&service, &[Scope::ModelsRead]).await;
    get(&service, "/api/v1/models", &issued).await;
    get(&service, "/api/v1/keys", &issued).await;
    get(&service, "/api/v1/models", "ut_aaaaaaaaaaaa_guessed").await;
    let log = service.log.text();
    assert!(!log.contains(&issued[16..]) && !log.contains("guessed"), "{log}");
}
