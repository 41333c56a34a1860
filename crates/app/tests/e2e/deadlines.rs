//! Clients that shorten the deadline of a request.

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::ProxyMode;

use crate::outage::Proxied;
use crate::undertone::{Undertone, wait_for};

const TIMEOUT: &str = "x-request-timeout-ms";

#[test]
fn nothing_of_a_batch_is_stored_after_its_deadline() {
    let folder = TempDir::new().unwrap();
    let running = Undertone::start(folder.path(), "sqlite:data/undertone.db", &["cache.enabled=false"]);
    let api = running.api();
    let text = |number: usize| format!("{number}: {}", "the parcel came late and was broken. ".repeat(210));
    let items: Vec<Value> = (0..50).map(|number| json!({ "text": text(number) })).collect();
    let batch = json!({ "items": items });
    let answer = api.post_with("/api/v1/predictions/batch", &batch, &[(TIMEOUT, "50")]).unwrap();
    assert_eq!((answer.status, &answer.body["code"]), (503, &json!("deadline_exceeded")), "{}", answer.body);
    let stored = || api.get("/api/v1/predictions").unwrap().body["items"].clone();
    assert_eq!(stored(), json!([]));
    // Texts that were being computed may have ended since.
    wait_for("the queue to be empty", || (api.metric("undertone_queue_depth") < 1.0).then_some(()));
    assert_eq!(api.predict("I love it").unwrap().status, 200);
    assert_eq!(stored().as_array().map(Vec::len), Some(1));
    // A client may shorten its deadline at will.
    assert_eq!(running.log_of_level("ERROR"), Vec::<Value>::new());
}

#[test]
fn a_read_ends_at_its_deadline_while_the_database_does_not_respond() {
    let proxied = Proxied::start(&["store.timeout=30"]);
    let api = proxied.running.api();
    let id = api.predict("I love it").unwrap().body["id"].as_str().unwrap().to_owned();
    proxied.set_mode(ProxyMode::Stall);
    for path in
        ["/api/v1/predictions".to_owned(), format!("/api/v1/predictions/{id}"), "/api/v1/usage".to_owned()]
    {
        let answer = api.get_with(&path, &[(TIMEOUT, "200")]).unwrap();
        assert_eq!((answer.status, &answer.body["code"]), (503, &json!("deadline_exceeded")), "{path}");
        assert!(answer.header("retry-after").is_some());
    }
    proxied.set_mode(ProxyMode::Pass);
    wait_for("answers again", || {
        let read = api.get_with("/api/v1/predictions", &[(TIMEOUT, "10000")]);
        read.is_ok_and(|answer| answer.status == 200).then_some(())
    });
}
