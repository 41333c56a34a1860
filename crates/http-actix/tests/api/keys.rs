//! The routes for keys, and the audit of their changes.

use actix_web::test::TestRequest;
use domain::value_objects::Scope;
use serde_json::{Value, json};

use crate::access::{add_tenant, code, get, key, key_of, post, service, with_key};
use crate::support::Service;

#[actix_web::test]
async fn a_key_is_issued_listed_rotated_and_revoked() {
    let service = service();
    let admin = key(&service, &[Scope::KeysAdmin, Scope::ModelsRead]).await;
    let body = json!({"name": "shop", "scopes": ["models:read"], "expires_at": "2027-01-31T00:00:00Z"});
    let issued = post(&service, "/api/v1/keys", &admin, &body).await;
    assert_eq!((issued.status, issued.header("cache-control")), (201, Some("no-store")));
    let (issued, secret) = (issued.json(), issued.json()["key"].as_str().unwrap().to_owned());
    assert_eq!(
        issued,
        json!({
            "id": &secret[3..15],
            "name": "shop",
            "scopes": ["models:read"],
            "limits": null,
            "status": "active",
            "created_at": "2026-01-01T00:00:00.000000Z",
            "expires_at": "2027-01-31T00:00:00.000000Z",
            "revoked_at": null,
            "last_used_at": null,
            "key": secret,
        })
    );
    let rotation = json!({"replaces": issued["id"], "overlap": 60});
    let rotated = post(&service, "/api/v1/keys", &admin, &rotation).await;
    assert_eq!((rotated.status, &rotated.json()["name"]), (201, &json!("shop")));
    let path = format!("/api/v1/keys/{}", issued["id"].as_str().unwrap());
    assert_eq!(get(&service, "/api/v1/models", &secret).await.status, 200);
    let revoke = || with_key(TestRequest::delete().uri(&path), &admin);
    assert_eq!(service.send(revoke()).await.status, 204);
    assert_eq!(get(&service, "/api/v1/models", &secret).await.status, 401);
    assert_eq!(code(&service.send(revoke()).await), (404, "not_found".to_owned()));
    let list = get(&service, "/api/v1/keys", &admin).await;
    let statuses: Vec<_> =
        list.json()["items"].as_array().unwrap().iter().map(|key| key["status"].clone()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == "revoked").count(), 1, "{statuses:?}");
    assert!(!list.text().contains(&secret[16..]), "the list shows a secret");
}

#[actix_web::test]
async fn a_key_grants_nothing_that_its_issuer_lacks_and_acts_in_its_own_tenant() {
    let service = service();
    let admin = key(&service, &[Scope::KeysAdmin]).await;
    for scope in ["models:write", "predictions:read"] {
        let answer = post(&service, "/api/v1/keys", &admin, &json!({"scopes": [scope]})).await;
        assert_eq!(code(&answer), (403, "forbidden".to_owned()));
    }
    let acme = add_tenant(&service, "acme").await;
    let theirs = key_of(&service, &acme, &[Scope::KeysAdmin]).await;
    let path = format!("/api/v1/keys/{}", &admin[3..15]);
    let answer = service.send(with_key(TestRequest::delete().uri(&path), &theirs)).await;
    assert_eq!(code(&answer), (404, "not_found".to_owned()));
    let keys = get(&service, "/api/v1/keys", &theirs).await.json();
    assert_eq!(keys["items"].as_array().unwrap().len(), 1);
    let anonymous = Service::new();
    let answer = anonymous.post_json("/api/v1/keys", &json!({"scopes": ["models:write"]})).await;
    assert_eq!(code(&answer), (403, "forbidden".to_owned()));
}

#[actix_web::test]
async fn a_bad_request_for_a_key_names_the_field() {
    let service = service();
    let admin = key(&service, &[Scope::KeysAdmin]).await;
    for (body, expected) in [
        (json!([]), (422, "wrong_type", None)),
        (json!({}), (422, "blank", Some("scopes"))),
        (json!({"scopes": []}), (422, "blank", Some("scopes"))),
        (json!({"scopes": "keys:admin"}), (422, "wrong_type", Some("scopes"))),
        (json!({"scopes": [7]}), (422, "wrong_type", Some("scopes.0"))),
        (json!({"scopes": ["keys"]}), (422, "not_one_of", Some("scopes"))),
        (json!({"scopes": vec!["keys:admin"; 33]}), (422, "too_many", Some("scopes"))),
        (json!({"scopes": ["keys:admin"], "name": ""}), (422, "blank", Some("name"))),
        (json!({"scopes": ["keys:admin"], "expires_at": "soon"}), (422, "malformed", Some("expires_at"))),
        (
            json!({"scopes": ["keys:admin"], "expires_at": "2020-01-01T00:00:00Z"}),
            (422, "out_of_range", Some("expires_at")),
        ),
        (json!({"scopes": ["keys:admin"], "overlap": 1}), (422, "contradictory", Some("overlap"))),
        (json!({"replaces": "000000000001", "overlap": -1}), (422, "out_of_range", Some("overlap"))),
        (json!({"replaces": "x"}), (422, "malformed", Some("replaces"))),
        (json!({"replaces": "000000000999"}), (404, "not_found", None)),
        (json!({"scopes": ["keys:admin"], "tenant": "acme"}), (422, "unknown_field", Some("tenant"))),
    ] {
        let (status, code, field) = post(&service, "/api/v1/keys", &admin, &body).await.problem();
        assert_eq!((status, code.as_str(), field.as_deref()), expected, "{body}");
    }
}

#[actix_web::test]
async fn the_audit_reports_changes_to_the_tenant_and_all_of_them_to_the_instance() {
    let service = service();
    let scopes = [Scope::KeysAdmin, Scope::PredictionsWrite, Scope::PredictionsDelete];
    let admin = key(&service, &scopes).await;
    let auditor = key(&service, &[Scope::AuditInstance]).await;
    let acme = add_tenant(&service, "acme").await;
    let theirs = key_of(&service, &acme, &[Scope::KeysAdmin, Scope::ModelsWrite]).await;
    let made = post(&service, "/api/v1/predictions", &admin, &json!({"text": "good"})).await;
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let deletion = TestRequest::delete()
        .uri(&format!("/api/v1/predictions/{id}"))
        .peer_addr(([192, 0, 2, 7], 80).into());
    assert_eq!(service.send(with_key(deletion, &admin)).await.status, 204);
    let load = post(&service, "/api/v1/models/fast", &theirs, &json!({"path": "a"})).await;
    assert_eq!(load.status, 201);

    let page = get(&service, "/api/v1/audit", &admin).await.json();
    let line = &page["items"][0];
    assert_eq!(
        (&line["action"], &line["target"], &line["actor"], &line["tenant"]),
        (
            &json!("prediction.deleted"),
            &json!(id),
            &json!(format!("key:{}", &admin[3..15])),
            &json!("default")
        )
    );
    assert_eq!((&line["address"], &line["request_id"]), (&json!("192.0.2.7"), &json!("test-request")));
    let of = |page: &Value, member: &str| -> Vec<Value> {
        page["items"].as_array().unwrap().iter().map(|line| line[member].clone()).collect()
    };
    assert_eq!(of(&page, "action"), ["prediction.deleted", "key.issued", "key.issued"]);
    let page = get(&service, "/api/v1/audit", &theirs).await.json();
    assert_eq!((of(&page, "action"), of(&page, "seq")), (vec![json!("key.issued")], vec![Value::Null]));
    let page = get(&service, "/api/v1/audit?limit=2", &auditor).await.json();
    assert_eq!(of(&page, "action"), ["model.load", "prediction.deleted"]);
    assert_eq!((&page["items"][0]["tenant"], &page["items"][0]["seq"]), (&Value::Null, &json!(5)));
    let next = format!("/api/v1/audit?cursor={}", page["next_cursor"].as_str().unwrap());
    assert_eq!(get(&service, &next, &auditor).await.json()["items"].as_array().unwrap().len(), 3);
    let bad = get(&service, "/api/v1/audit?cursor=x", &auditor).await;
    assert_eq!(bad.problem(), (422, "malformed".to_owned(), Some("cursor".to_owned())));
}
