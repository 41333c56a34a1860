use insta::assert_json_snapshot;
use serde_json::{Value, json};

use testkit::MlFailure;

use crate::support::{FAILS, Service};

const BATCH: &str = "/api/v1/predictions/batch";

#[actix_web::test]
async fn results_are_in_the_order_of_the_items_and_a_bad_item_fails_alone() {
    let service = Service::new();
    let items = json!([
        {"text": "I love it", "ref": "a"},
        {"text": " ", "ref": "b"},
        {"text": "Never again", "metadata": {"stars": 1}},
        {"text": 7, "ref": "d"},
        {"text": "e", "ref": "line\nbreak"},
        "f",
        {"text": FAILS, "ref": "g"},
    ]);
    let answer = service.post_json(BATCH, &json!({"items": items})).await;
    assert_eq!(answer.status, 200);
    assert_json_snapshot!("a_batch", answer.json());

    let page = service.get("/api/v1/predictions").await.json();
    assert_eq!(page["items"].as_array().unwrap().len(), 2, "the good items are stored, the bad ones not");
}

#[actix_web::test]
async fn a_thousand_items_are_accepted() {
    let service = Service::new();
    let items: Vec<Value> =
        (0..1_000).map(|n| json!({"text": format!("text {n}"), "ref": n.to_string()})).collect();
    let answer = service.post_json(BATCH, &json!({"items": items})).await.json();
    assert_eq!((&answer["succeeded"], &answer["failed"]), (&json!(1_000), &json!(0)));
    for (n, item) in answer["items"].as_array().unwrap().iter().enumerate() {
        assert_eq!((&item["index"], &item["prediction"]["ref"]), (&json!(n), &json!(n.to_string())));
    }
}

#[actix_web::test]
async fn no_item_and_1001_items_are_refused() {
    let service = Service::new();
    let empty = service.post_json(BATCH, &json!({"items": []})).await;
    assert_eq!(empty.problem(), (422, "blank".into(), Some("items".into())));
    let items = vec![json!({"text": "a"}); 1_001];
    let long = service.post_json(BATCH, &json!({"items": items})).await;
    assert_eq!(long.problem(), (422, "too_many".into(), Some("items".into())));
    service.assert_nothing_stored();
    service.assert_nothing_logged_at_error();
}

#[actix_web::test]
async fn errors_of_the_batch_itself_name_the_field() {
    let service = Service::new();
    for (body, code, field) in [
        (json!({}), "missing_field", Some("items")),
        (json!({"items": {"text": "a"}}), "wrong_type", Some("items")),
        (json!({"items": [{"text": "a"}], "option": {}}), "unknown_field", Some("option")),
        (json!([{"text": "a"}]), "wrong_type", None),
    ] {
        let answer = service.post_json(BATCH, &body).await;
        assert_eq!(answer.problem(), (422, code.to_owned(), field.map(str::to_owned)), "{body}");
    }
}

#[actix_web::test]
async fn a_batch_may_have_8_mib_and_no_more() {
    let service = Service::new();
    let items = vec![json!({"text": "a".repeat(9_000)}); 900];
    let answer = service.post_json(BATCH, &json!({"items": items})).await;
    assert_eq!(answer.status, 200);
    let items = vec![json!({"text": "a".repeat(9_000)}); 1_000];
    let answer = service.post_json(BATCH, &json!({"items": items})).await;
    assert_eq!(answer.problem(), (413, "body_too_large".into(), None));
}

#[actix_web::test]
async fn a_failure_of_the_whole_batch_is_one_problem() {
    let service = Service::new();
    for (failure, code) in [(MlFailure::Unavailable, "unavailable"), (MlFailure::Saturated, "saturated")] {
        service.model.refuse_all(failure);
        let answer = service.post_json(BATCH, &json!({"items": [{"text": "a"}, {"text": "b"}]})).await;
        assert_eq!(answer.problem(), (503, code.into(), None));
    }
    service.assert_nothing_stored();
}
