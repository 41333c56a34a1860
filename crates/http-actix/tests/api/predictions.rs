use actix_web::test::TestRequest;
use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::{Service, uuid};

#[actix_web::test]
async fn a_text_is_classified_and_its_prediction_read_by_its_id() {
    let service = Service::new();
    let body = json!({"text": "I love it", "ref": "review-17", "metadata": {"source": "app", "stars": 5, "share": 0.5, "paid": true}});
    let made = service.post_json("/api/v1/predictions", &body).await;
    assert_eq!(made.status, 200);
    assert_json_snapshot!("a_prediction", made.json());

    let id = made.json()["id"].as_str().unwrap().to_owned();
    let found = service.get(&format!("/api/v1/predictions/{id}")).await;
    assert_eq!(found.status, 200);
    assert_json_snapshot!("a_stored_prediction", found.json());
    let mut expected = made.json();
    expected["text"] = json!("I love it");
    assert_eq!(found.json(), expected);
    service.assert_nothing_logged_at_error();
}

#[actix_web::test]
async fn a_text_alone_is_enough_and_nulls_count_as_absent() {
    let service = Service::new();
    for body in [json!({"text": "fine"}), json!({"text": "fine", "ref": null, "metadata": null})] {
        let made = service.post_json("/api/v1/predictions", &body).await;
        assert_eq!(made.status, 200);
        assert_eq!((&made.json()["ref"], &made.json()["metadata"]), (&Value::Null, &json!({})));
    }
}

#[actix_web::test]
async fn a_text_is_returned_as_it_was_sent() {
    let service = Service::new();
    let text = " \u{feff}e\u{301} 😀\t\u{202e}最高\r\n\"\\ ";
    let id = service.create(&json!({"text": text})).await;
    let found = service.get(&format!("/api/v1/predictions/{id}")).await;
    assert_eq!(found.json()["text"], text);
}

#[actix_web::test]
async fn the_charset_utf_8_is_accepted() {
    let service = Service::new();
    let request = TestRequest::post()
        .uri("/api/v1/predictions")
        .insert_header(("content-type", "application/json; charset=UTF-8"))
        .set_payload(r#"{"text":"fine"}"#);
    assert_eq!(service.send(request).await.status, 200);
}

#[actix_web::test]
async fn ten_thousand_characters_are_accepted_whatever_their_bytes() {
    let service = Service::new();
    let made = service.post_json("/api/v1/predictions", &json!({"text": "最".repeat(10_000)})).await;
    assert_eq!(made.status, 200);
}

#[actix_web::test]
async fn a_deleted_prediction_is_not_found() {
    let service = Service::new();
    let path = format!("/api/v1/predictions/{}", service.create(&json!({"text": "fine"})).await);
    let gone = service.send(TestRequest::delete().uri(&path)).await;
    assert_eq!((gone.status, gone.body.len()), (204, 0));
    for request in [TestRequest::delete().uri(&path), TestRequest::get().uri(&path)] {
        let answer = service.send(request).await;
        assert_eq!(answer.problem(), (404, "not_found".into(), None));
    }
    service.assert_nothing_logged_at_error();
}

#[actix_web::test]
async fn an_unknown_id_is_not_found() {
    let service = Service::new();
    let answer = service.get(&format!("/api/v1/predictions/{}", uuid(99))).await;
    assert_eq!(answer.problem(), (404, "not_found".into(), None));
    assert_json_snapshot!("an_unknown_id", answer.json());
}

#[actix_web::test]
async fn an_id_is_accepted_in_either_case() {
    let service = Service::new();
    let id = service.create(&json!({"text": "fine"})).await;
    let found = service.get(&format!("/api/v1/predictions/{}", id.to_uppercase())).await;
    assert_eq!((found.status, found.json()["id"].as_str()), (200, Some(id.as_str())));
}

#[actix_web::test]
async fn a_head_request_has_the_status_of_its_get() {
    let service = Service::new();
    let id = service.create(&json!({"text": "fine"})).await;
    for path in [format!("/api/v1/predictions/{id}"), "/api/v1/predictions".into(), "/api/v1/models".into()] {
        let answer =
            service.send(TestRequest::default().method(actix_web::http::Method::HEAD).uri(&path)).await;
        assert_eq!(answer.status, 200, "{path}");
    }
}

#[actix_web::test]
async fn the_served_models_are_listed() {
    let service = Service::new();
    let answer = service.get("/api/v1/models").await;
    assert_eq!(answer.status, 200);
    assert_json_snapshot!("the_models", answer.json());
}
