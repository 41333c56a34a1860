//! Input that is not allowed: each kind has its status, code and field, and none is logged as an error.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use serde_json::{Value, json};

use crate::support::{Service, uuid};

const PREDICTIONS: &str = "/api/v1/predictions";

/// Posts `body` unchanged and asserts that it is refused.
async fn refused_body(body: impl Into<Vec<u8>>, status: u16, code: &str, field: Option<&str>) {
    let service = Service::new();
    let request = TestRequest::post()
        .uri(PREDICTIONS)
        .insert_header(("content-type", "application/json"))
        .set_payload(body.into());
    let answer = service.send(request).await;
    assert_eq!(answer.problem(), (status, code.to_owned(), field.map(str::to_owned)));
    service.assert_nothing_logged_at_error();
    service.assert_nothing_stored();
}

async fn refused_json(body: Value, code: &str, field: Option<&str>) {
    refused_body(body.to_string(), 422, code, field).await;
}

async fn refused_get(path: &str, status: u16, code: &str, field: Option<&str>) {
    let service = Service::new();
    let answer = service.get(path).await;
    assert_eq!(answer.problem(), (status, code.to_owned(), field.map(str::to_owned)), "{path}");
    service.assert_nothing_logged_at_error();
}

#[actix_web::test]
async fn bytes_that_are_not_utf_8_are_malformed_json() {
    refused_body(b"{\"text\":\"caf\xe9\"}".to_vec(), 400, "malformed_json", None).await;
    refused_body(b"\xff\xfe{\0}\0".to_vec(), 400, "malformed_json", None).await;
}

#[actix_web::test]
async fn wrong_syntax_is_malformed_json() {
    for body in
        ["", " ", "{", "{\"text\":\"a\"}}", "{'text':'a'}", "{\"text\":\"a\",}", "NaN", "{\"text\":1e999}"]
    {
        refused_body(body, 400, "malformed_json", None).await;
    }
}

#[actix_web::test]
async fn lone_surrogate_escapes_are_malformed_json() {
    for text in [r"\ud83d", r"\ude00", r"\ude00\ud83d", r"a\ud83db"] {
        refused_body(format!("{{\"text\":\"{text}\"}}"), 400, "malformed_json", None).await;
    }
}

#[actix_web::test]
async fn json_that_is_nested_too_deeply_is_malformed() {
    refused_body("[".repeat(100_000), 400, "malformed_json", None).await;
    let deep = format!("{{\"text\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000));
    refused_body(deep, 400, "malformed_json", None).await;
}

#[actix_web::test]
async fn json_that_is_nested_a_little_is_of_the_wrong_type() {
    let deep = format!("{{\"text\":{}1{}}}", "[".repeat(50), "]".repeat(50));
    refused_body(deep, 422, "wrong_type", Some("text")).await;
}

#[actix_web::test]
async fn a_body_that_is_no_object_is_of_the_wrong_type() {
    for body in ["null", "true", "17", "\"text\"", "[{\"text\":\"a\"}]"] {
        refused_body(body, 422, "wrong_type", None).await;
    }
}

#[actix_web::test]
async fn members_of_the_wrong_type_are_reported_by_their_path() {
    for text in [json!(null), json!(1), json!(true), json!(["a"]), json!({"a": 1})] {
        refused_json(json!({"text": text}), "wrong_type", Some("text")).await;
    }
    refused_json(json!({"text": "a", "ref": 17}), "wrong_type", Some("ref")).await;
    refused_json(json!({"text": "a", "metadata": "x"}), "wrong_type", Some("metadata")).await;
    for value in [json!(null), json!([]), json!({"deeper": 1})] {
        let body = json!({"text": "a", "metadata": {"source": value}});
        refused_json(body, "wrong_type", Some("metadata.source")).await;
    }
}

#[actix_web::test]
async fn unknown_and_missing_members_are_reported_by_name() {
    refused_json(json!({}), "missing_field", Some("text")).await;
    refused_json(json!({"text": "a", "txet": "b"}), "unknown_field", Some("txet")).await;
    refused_json(json!({"text": "a", "option": {}}), "unknown_field", Some("option")).await;
    let long = "x".repeat(500);
    let shown = format!("{}…", "x".repeat(128));
    refused_json(json!({"text": "a", long: 1}), "unknown_field", Some(&shown)).await;
}

#[actix_web::test]
async fn blank_texts_are_refused() {
    for text in ["", " ", "\t\r\n", "\u{2003}\u{3000}"] {
        refused_json(json!({"text": text}), "blank", Some("text")).await;
    }
}

#[actix_web::test]
async fn a_text_of_10_001_characters_is_too_long() {
    refused_json(json!({"text": "é".repeat(10_001)}), "too_long", Some("text")).await;
}

#[actix_web::test]
async fn a_nul_is_refused_wherever_it_stands() {
    refused_json(json!({"text": "a\0b"}), "contains_nul", Some("text")).await;
    refused_json(json!({"text": "a", "ref": "a\0b"}), "contains_nul", Some("ref")).await;
    refused_json(json!({"text": "a", "metadata": {"k": "a\0b"}}), "contains_nul", Some("metadata.k")).await;
    refused_json(json!({"text": "a", "metadata": {"a\0b": 1}}), "contains_nul", Some("metadata")).await;
    for name in ["q", "ref", "model", "sentiment", "from", "limit", "cursor"] {
        refused_get(&format!("{PREDICTIONS}?{name}=a%00b"), 422, "contains_nul", Some(name)).await;
    }
}

#[actix_web::test]
async fn references_must_be_printable_and_short() {
    refused_json(json!({"text": "a", "ref": ""}), "blank", Some("ref")).await;
    refused_json(json!({"text": "a", "ref": "a\tb"}), "not_printable", Some("ref")).await;
    refused_json(json!({"text": "a", "ref": "x".repeat(129)}), "too_long", Some("ref")).await;
}

#[actix_web::test]
async fn metadata_beyond_its_limits_is_refused() {
    let many: Value = (0..17).map(|n| (format!("k{n}"), json!(n))).collect::<serde_json::Map<_, _>>().into();
    refused_json(json!({"text": "a", "metadata": many}), "too_many", Some("metadata")).await;
    refused_json(json!({"text": "a", "metadata": {"k": "x".repeat(4_096)}}), "too_large", Some("metadata"))
        .await;
    refused_json(json!({"text": "a", "metadata": {"x".repeat(65): 1}}), "too_long", Some("metadata")).await;
    refused_json(json!({"text": "a", "metadata": {"": 1}}), "blank", Some("metadata")).await;
    for number in ["9223372036854775808", "-9223372036854775809", "1e300"] {
        let body = format!("{{\"text\":\"a\",\"metadata\":{{\"n\":{number}}}}}");
        refused_body(body, 422, "out_of_range", Some("metadata.n")).await;
    }
}

#[actix_web::test]
async fn five_megabytes_are_too_large_whether_announced_or_not() {
    let body = json!({"text": "a".repeat(5_000_000)}).to_string();
    refused_body(body.clone(), 413, "body_too_large", None).await;
    let service = Service::new();
    let request = TestRequest::post()
        .uri(PREDICTIONS)
        .insert_header(("content-type", "application/json"))
        .insert_header(("content-length", body.len()))
        .set_payload(body);
    assert_eq!(service.send(request).await.problem(), (413, "body_too_large".into(), None));
    service.assert_nothing_logged_at_error();
}

#[actix_web::test]
async fn other_media_types_are_refused() {
    let service = Service::new();
    for (path, content_type) in [
        (PREDICTIONS, None),
        (PREDICTIONS, Some("text/plain")),
        (PREDICTIONS, Some("application/x-www-form-urlencoded")),
        (PREDICTIONS, Some("application/json; charset=iso-8859-1")),
        (PREDICTIONS, Some("application/x-ndjson")),
        ("/api/v1/predictions/batch", Some("text/json")),
        ("/api/v1/predictions/stream", Some("application/json")),
        ("/api/v1/predictions/stream", None),
    ] {
        let mut request = TestRequest::post().uri(path).set_payload(r#"{"text":"a"}"#);
        if let Some(content_type) = content_type {
            request = request.insert_header(("content-type", content_type));
        }
        let answer = service.send(request).await;
        assert_eq!(answer.problem(), (415, "unsupported_media_type".into(), None), "{path} {content_type:?}");
    }
    service.assert_nothing_logged_at_error();
}

#[actix_web::test]
async fn a_compressed_body_is_refused() {
    let service = Service::new();
    let request = TestRequest::post()
        .uri(PREDICTIONS)
        .insert_header(("content-type", "application/json"))
        .insert_header(("content-encoding", "gzip"))
        .set_payload(vec![0x1f, 0x8b, 8, 0]);
    assert_eq!(service.send(request).await.problem(), (415, "unsupported_media_type".into(), None));
}

#[actix_web::test]
async fn invalid_percent_encoding_is_malformed() {
    for query in ["q=%", "q=%zz", "q=%ff", "%c3=1"] {
        refused_get(&format!("{PREDICTIONS}?{query}"), 400, "malformed_query", None).await;
    }
    refused_get("/api/v1/models?a=%zz", 400, "malformed_query", None).await;
}

#[actix_web::test]
async fn unknown_and_repeated_parameters_are_reported_by_name() {
    refused_get(&format!("{PREDICTIONS}?colour=red"), 422, "unknown_parameter", Some("colour")).await;
    refused_get(&format!("{PREDICTIONS}?limit=1&limit=2"), 422, "repeated_parameter", Some("limit")).await;
    refused_get(&format!("{PREDICTIONS}/{}?verbose", uuid(1)), 422, "unknown_parameter", Some("verbose"))
        .await;
    refused_get("/api/v1/models?verbose=1", 422, "unknown_parameter", Some("verbose")).await;
}

#[actix_web::test]
async fn parameters_that_are_not_allowed_are_reported_by_name() {
    for (query, code) in [
        ("sentiment=Positive", "not_one_of"),
        ("sentiment=", "not_one_of"),
        ("model=", "blank"),
        ("ref=", "blank"),
        ("from=yesterday", "malformed"),
        ("from=2026-02-30T00:00:00Z", "malformed"),
        ("to=2026-01-31", "malformed"),
        ("to=10000-01-01T00:00:00Z", "malformed"),
        ("from=2026-01-31T12:00:00+01:00", "malformed"),
        ("min_confidence=1.1", "out_of_range"),
        ("min_confidence=NaN", "out_of_range"),
        ("max_confidence=-0.1", "out_of_range"),
        ("max_confidence=high", "malformed"),
        ("q=", "no_terms"),
        ("q=%21%3F", "no_terms"),
        ("q=1+2+3+4+5+6+7+8+9+10+11+12+13+14+15+16+17", "too_many"),
        ("limit=0", "out_of_range"),
        ("limit=101", "out_of_range"),
        ("limit=-1", "out_of_range"),
        ("limit=99999999999999999999", "out_of_range"),
        ("limit=ten", "malformed"),
        ("limit=", "malformed"),
        ("cursor=", "malformed"),
        ("cursor=nonsense", "malformed"),
    ] {
        let field = query.split('=').next();
        refused_get(&format!("{PREDICTIONS}?{query}"), 422, code, field).await;
    }
}

#[actix_web::test]
async fn an_id_that_is_no_uuid_is_malformed() {
    for id in ["17", "batches", "0192f3a4b5c67d8e9fa0b1c2d3e4f506", "%ff", "a%00b"] {
        refused_get(&format!("{PREDICTIONS}/{id}"), 422, "malformed", Some("id")).await;
    }
    let service = Service::new();
    let answer = service.send(TestRequest::delete().uri(&format!("{PREDICTIONS}/17"))).await;
    assert_eq!(answer.problem(), (422, "malformed".into(), Some("id".into())));
}

#[actix_web::test]
async fn unknown_routes_are_not_found() {
    for path in
        ["/", "/api", "/api/v1", "/api/v2/predictions", "/api/v1/predictions/", "/favicon.ico", "/healthz"]
    {
        refused_get(path, 404, "unknown_route", None).await;
    }
}

#[actix_web::test]
async fn other_methods_are_refused_with_the_list_of_the_paths_methods() {
    let service = Service::new();
    for (method, path, allowed) in [
        ("PUT", "/api/v1/predictions", "GET, HEAD, POST"),
        ("OPTIONS", "/api/v1/predictions", "GET, HEAD, POST"),
        ("BREW", "/api/v1/predictions", "GET, HEAD, POST"),
        ("GET", "/api/v1/predictions/batch", "POST"),
        ("GET", "/api/v1/predictions/stream", "POST"),
        ("PATCH", "/api/v1/predictions/17", "GET, HEAD, DELETE"),
        ("POST", "/api/v1/models", "GET, HEAD"),
        ("DELETE", "/health", "GET, HEAD"),
        ("POST", "/docs/", "GET, HEAD"),
    ] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let answer = service.send(TestRequest::default().method(method.clone()).uri(path)).await;
        assert_eq!(answer.problem(), (405, "method_not_allowed".into(), None), "{method} {path}");
        assert_eq!(answer.header("allow"), Some(allowed), "{method} {path}");
    }
    service.assert_nothing_logged_at_error();
}
