use std::pin::Pin;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::Service as _;
use actix_web::http::Method;
use actix_web::test::{TestRequest, init_service};
use actix_web::web::Bytes;
use domain::value_objects::Scope;
use http_actix::api;
use serde_json::{Value, json};

use crate::access;
use crate::support::{Answer, Service};

const EXPORT: &str = "/api/v1/predictions/export";

/// Cells that a spreadsheet would execute.
const FORMULAS: [&str; 40] = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "=cmd|' /C calc'!A0",
    "=HYPERLINK(\"http://x\",\"y\")",
    "+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\ttext",
    "\r=1+1",
    "\rtext",
    "\n=1+1",
    "\ntext",
    " =1+1",
    "  +1",
    " -1",
    " @x",
    "\"=1+1\"",
    "\" =1\"",
    "'=1+1",
    "'+1",
    "''=1",
    "\"'-1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(A1)",
    " ＝1",
    "\"＝1",
    "\u{a0}=1",
    "\u{3000}=1",
    "\u{feff}=1",
    "\u{200b}=1",
    "\r\n=1",
    "=",
    "-",
    "=\"a\",\"b\"",
    "=1;2\n+3",
];

fn records(answer: &Answer) -> Vec<csv::StringRecord> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut reader = csv::ReaderBuilder::new().from_reader(&answer.body[..]);
    reader.records().collect::<Result<_, _>>().unwrap()
}

fn lines(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().ends_with('\n'));
    answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Stores `count` predictions.
async fn fill(service: &Service, count: usize) {
    let numbers: Vec<usize> = (0..count).collect();
    for some in numbers.chunks(1_000) {
        let items: Vec<_> =
            some.iter().map(|n| json!({"text": format!("text {n}"), "ref": n.to_string()})).collect();
        let answer = service.post_json("/api/v1/predictions/batch", &json!({"items": items})).await;
        assert_eq!(answer.json()["succeeded"], some.len());
    }
}

/// Begins an export and returns its body.
async fn begin(service: &Service, request: TestRequest) -> (u16, Pin<Box<BoxBody>>) {
    let app = init_service(api(service.state.clone())).await;
    let response = app.call(request.to_request()).await.unwrap().map_into_boxed_body();
    (response.status().as_u16(), Box::pin(response.into_body()))
}

async fn next(body: &mut Pin<Box<BoxBody>>) -> Option<Result<Bytes, Box<dyn std::error::Error>>> {
    std::future::poll_fn(|context| body.as_mut().poll_next(context)).await
}

/// Reads a body to its end: its bytes, and whether it ended in order.
async fn rest(body: &mut Pin<Box<BoxBody>>) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    while let Some(part) = next(body).await {
        match part {
            Ok(part) => bytes.extend_from_slice(&part),
            Err(_) => return (bytes, false),
        }
    }
    (bytes, true)
}

#[actix_web::test]
async fn a_file_has_a_name_and_is_neither_compressed_buffered_nor_cached() {
    let service = Service::new();
    service.create(&json!({"text": "I love it"})).await;
    for (query, media_type, name) in [
        ("", "text/csv; charset=utf-8", "predictions-2026-01-01.csv"),
        ("?format=csv", "text/csv; charset=utf-8", "predictions-2026-01-01.csv"),
        ("?format=jsonl", "application/x-ndjson", "predictions-2026-01-01.jsonl"),
    ] {
        for method in [Method::GET, Method::HEAD] {
            let request = TestRequest::default().method(method.clone()).uri(&format!("{EXPORT}{query}"));
            let answer = service.send(request.insert_header(("accept-encoding", "gzip, br"))).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("content-type"), Some(media_type));
            assert_eq!(
                answer.header("content-disposition"),
                Some(&*format!("attachment; filename=\"{name}\""))
            );
            assert_eq!(answer.header("content-encoding"), None);
            assert_eq!(answer.header("x-accel-buffering"), Some("no"));
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            assert_eq!(answer.body.is_empty(), method == Method::HEAD);
        }
    }
}

#[actix_web::test]
async fn an_empty_history_is_a_header_or_a_last_line() {
    let service = Service::new();
    let csv = service.get(EXPORT).await;
    assert_eq!(
        csv.text(),
        "id,created_at,ref,sentiment,confidence,score_negative,score_neutral,score_positive,label,label_score,model,\
         revision,tokens,windows,truncated,cached,metadata,text\n"
    );
    let jsonl = service.get(&format!("{EXPORT}?format=jsonl")).await;
    assert_eq!(jsonl.text(), "{\"done\":true,\"rows\":0}\n");
}

#[actix_web::test]
async fn csv_has_the_values_of_the_predictions() {
    let service = Service::new();
    let metadata = json!({"source": "a, \"b\"", "n": 1, "x": 0.1, "ok": true});
    let text = "I love it,\n\"really\"\r\n😀";
    let id = service.create(&json!({"text": text, "ref": "a,b", "metadata": metadata})).await;
    service.a_second_passes();
    service.create(&json!({"text": "a bad service"})).await;
    let rows = records(&service.get(EXPORT).await);
    assert_eq!(rows.len(), 2);
    let stored = service.get(&format!("/api/v1/predictions/{id}")).await.json();
    let cells: Vec<&str> = rows[0].iter().collect();
    assert_eq!((cells[0], cells[1]), (&*id, stored["created_at"].as_str().unwrap()));
    assert_eq!((cells[2], cells[3]), ("a,b", stored["sentiment"].as_str().unwrap()));
    let number = |cell: &str| cell.parse::<f64>().ok();
    assert_eq!(number(cells[4]), stored["confidence"].as_f64());
    for (cell, sentiment) in [(5, "negative"), (6, "neutral"), (7, "positive")] {
        assert_eq!(number(cells[cell]), stored["scores"][sentiment].as_f64());
    }
    let best = &stored["labels"][0];
    assert_eq!((Some(cells[8]), number(cells[9])), (best["label"].as_str(), best["score"].as_f64()));
    let model = &stored["model"];
    assert_eq!((Some(cells[10]), Some(cells[11])), (model["name"].as_str(), model["revision"].as_str()));
    assert_eq!((number(cells[12]), number(cells[13])), (stored["usage"]["tokens"].as_f64(), Some(1.0)));
    assert_eq!((cells[14], cells[15]), ("false", "false"));
    assert_eq!(serde_json::from_str::<Value>(cells[16]).unwrap(), metadata);
    assert_eq!(cells[17], text);
    assert_eq!((&rows[1][2], &rows[1][16], &rows[1][17]), ("", "{}", "a bad service"));
}

#[actix_web::test]
async fn jsonl_has_the_predictions_as_they_are_read_by_id() {
    let service = Service::new();
    let mut ids = Vec::new();
    for body in [
        json!({"text": "I love it", "ref": "a", "metadata": {"source": "app", "n": -1, "x": 1.5}}),
        json!({"text": "Good. Bad.", "options": {"granularity": "sentence", "raw": true, "top_k": 1}}),
    ] {
        ids.push(service.create(&body).await);
        service.a_second_passes();
    }
    let lines = lines(&service.get(&format!("{EXPORT}?format=jsonl")).await);
    for (id, line) in ids.iter().zip(&lines) {
        assert_eq!(service.get(&format!("/api/v1/predictions/{id}")).await.json(), *line);
    }
    assert_eq!(lines[2..], [json!({"done": true, "rows": 2})]);
}

#[actix_web::test]
async fn many_pages_hold_every_prediction_once_oldest_first() {
    let service = Service::new();
    fill(&service, 5_000).await;
    let expected: Vec<String> = (0..5_000).map(|n| n.to_string()).collect();
    let rows = records(&service.get(EXPORT).await);
    assert!(rows.iter().map(|row| &row[2]).eq(expected.iter().map(String::as_str)));
    let lines = lines(&service.get(&format!("{EXPORT}?format=jsonl")).await);
    assert!(lines[..5_000].iter().map(|line| line["ref"].as_str().unwrap()).eq(expected.iter()));
    assert_eq!(lines[5_000..], [json!({"done": true, "rows": 5_000})]);
}

#[actix_web::test]
async fn the_filters_of_the_list_narrow_the_export() {
    let service = Service::new();
    for (reference, text) in [("a", "I love the Café"), ("b", "a bad service"), ("c", "I love it, really")] {
        service.create(&json!({"text": text, "ref": reference})).await;
        service.a_second_passes();
    }
    for (query, expected) in [
        ("?sentiment=positive", &["a", "c"][..]),
        ("?model=other", &[]),
        ("?ref=b", &["b"]),
        ("?q=LOVE", &["a", "c"]),
        ("?from=2026-01-01T00:00:01Z&to=2026-01-01T00:00:02Z", &["b"]),
        ("?min_confidence=0", &["a", "b", "c"]),
    ] {
        let rows = records(&service.get(&format!("{EXPORT}{query}")).await);
        assert_eq!(rows.iter().map(|row| &row[2]).collect::<Vec<_>>(), expected, "{query}");
    }
}

#[actix_web::test]
async fn cells_that_a_spreadsheet_would_execute_get_an_apostrophe_unless_that_is_turned_off() {
    let service = Service::new();
    for formula in FORMULAS {
        service.create(&json!({"text": format!("{formula}"), "metadata": {"=k": formula}})).await;
        service.a_second_passes();
    }
    service.create(&json!({"text": "plain", "ref": "=1+1"})).await;
    let stored: Vec<String> = lines(&service.get(&format!("{EXPORT}?format=jsonl")).await)[..40]
        .iter()
        .map(|line| line["text"].as_str().unwrap().to_owned())
        .collect();
    let safe = records(&service.get(EXPORT).await);
    let exact = records(&service.get(&format!("{EXPORT}?safe=false")).await);
    for (n, text) in stored.iter().enumerate() {
        assert_eq!(safe[n][17], format!("'{text}"));
        assert_eq!(exact[n][17], **text);
        assert!(safe[n].iter().all(|cell| !cell.trim_start().starts_with(['=', '+', '-', '@', '＝'])));
        assert_eq!(safe[n].iter().take(17).collect::<Vec<_>>(), exact[n].iter().take(17).collect::<Vec<_>>());
    }
    assert_eq!((&safe[40][2], &exact[40][2]), ("'=1+1", "=1+1"));
}

#[actix_web::test]
async fn invalid_parameters_are_refused() {
    let service = Service::new();
    for (query, code, field) in [
        ("format=xml", "not_one_of", "format"),
        ("safe=1", "not_one_of", "safe"),
        ("limit=5", "unknown_parameter", "limit"),
        ("sentiment=glad", "not_one_of", "sentiment"),
    ] {
        let answer = service.get(&format!("{EXPORT}?{query}")).await;
        assert_eq!(answer.problem(), (422, code.to_owned(), Some(field.to_owned())), "{query}");
    }
}

#[actix_web::test]
async fn a_store_that_fails_at_the_beginning_is_reported() {
    let service = Service::new();
    service.break_the_store();
    assert_eq!(service.get(EXPORT).await.problem().0, 503);
}

#[actix_web::test]
async fn a_store_that_fails_later_breaks_the_body_visibly() {
    for format in ["csv", "jsonl"] {
        let service = Service::new();
        fill(&service, 5_000).await;
        let request = TestRequest::get().uri(&format!("{EXPORT}?format={format}"));
        let (status, mut body) = begin(&service, request).await;
        service.break_the_store();
        assert_eq!(status, 200);
        let (bytes, ended) = rest(&mut body).await;
        assert!(!ended && !bytes.is_empty() && !bytes.ends_with(b"}\n{\"done\":true,\"rows\":5000}\n"));
        assert_eq!(service.errors_logged(), 1);
    }
}

#[actix_web::test]
async fn exports_at_a_time_are_bounded_and_a_client_that_leaves_frees_its_place() {
    let service = Service::new();
    fill(&service, 5_000).await;
    let mut first = begin(&service, TestRequest::get().uri(EXPORT)).await.1;
    let second = begin(&service, TestRequest::get().uri(EXPORT)).await.1;
    let refused = service.get(EXPORT).await;
    assert_eq!(refused.problem(), (503, "saturated".to_owned(), None));
    assert!(refused.header("retry-after").is_some());
    assert!(next(&mut first).await.is_some_and(|part| part.is_ok()));
    drop((first, second));
    // A producer on this thread has ended once it was scheduled again.
    crate::support::other_tasks_run().await;
    assert_eq!(records(&service.get(EXPORT).await).len(), 5_000);
    assert_eq!(records(&service.get(EXPORT).await).len(), 5_000);
}

#[actix_web::test]
async fn a_client_that_accepts_nothing_frees_its_place() {
    let service = Service::with(|settings| settings.send_timeout = std::time::Duration::from_millis(20));
    fill(&service, 5_000).await;
    let (_, mut stalled) = begin(&service, TestRequest::get().uri(EXPORT)).await;
    let _second = begin(&service, TestRequest::get().uri(EXPORT)).await;
    while service.get(EXPORT).await.status == 503 {
        crate::support::other_tasks_run().await;
    }
    assert!(!rest(&mut stalled).await.1);
}

#[actix_web::test]
async fn the_body_breaks_when_the_key_is_revoked() {
    let service = access::service();
    fill_with_key(&service).await;
    let key = access::key(&service, &[Scope::PredictionsRead]).await;
    let request = access::with_key(TestRequest::get().uri(EXPORT), &key);
    let (status, mut body) = begin(&service, request).await;
    assert_eq!(status, 200);
    let admin = access::key(&service, &[Scope::KeysAdmin]).await;
    let id = key.split('_').nth(1).unwrap();
    let path = format!("/api/v1/keys/{id}");
    let revoked = service.send(access::with_key(TestRequest::delete().uri(&path), &admin)).await;
    assert_eq!(revoked.status, 204, "{}", revoked.text());
    assert!(next(&mut body).await.is_some_and(|part| part.is_ok()));
    // The rest is read only once the service has noticed.
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    assert!(!rest(&mut body).await.1);
}

async fn fill_with_key(service: &Service) {
    let key = access::key(service, &[Scope::PredictionsWrite]).await;
    for _ in 0..6 {
        let items: Vec<_> = (0..1_000).map(|n| json!({"text": format!("text {n}")})).collect();
        let body = json!({"items": items});
        assert_eq!(access::post(service, "/api/v1/predictions/batch", &key, &body).await.status, 200);
    }
}

#[actix_web::test]
async fn the_export_needs_the_scope_to_read() {
    let service = access::service();
    let key = access::key(&service, &[Scope::PredictionsWrite]).await;
    assert_eq!(access::code(&access::get(&service, EXPORT, &key).await), (403, "forbidden".to_owned()));
}
