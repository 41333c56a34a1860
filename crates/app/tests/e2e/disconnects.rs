//! Clients that close their connection before the response.

use serde_json::json;
use tempfile::TempDir;

use crate::raw::RawConnection;
use crate::undertone::{Undertone, wait_for};

/// As many as the model classifies well within the deadline of a request.
const LONG_ONES: usize = 24;
const LEAVERS: usize = 20;

fn long_text(n: usize) -> String {
    format!("number {n}: {}", "the parcel came late and was broken, ".repeat(40))
}

#[test]
fn a_client_that_disconnects_has_its_text_skipped_and_no_row_written() {
    let folder = TempDir::new().unwrap();
    let settings = ["model.threads=1", "cache.enabled=false"];
    let running = Undertone::start(folder.path(), "sqlite:data/undertone.db", &settings);
    let api = running.api();
    let ask = |n: usize, reference: &str| {
        let body = json!({ "text": long_text(n), "ref": reference });
        let mut connection = RawConnection::open(&running.address);
        connection.send(&RawConnection::post("/api/v1/predictions", &body));
        connection
    };
    let begun = || api.metric("http_requests_active") + api.metric("undertone_predictions_total");
    let _staying: Vec<_> = (0..LONG_ONES).map(|n| ask(n, "stays")).collect();
    wait_for("long texts in work", || (begun() > LONG_ONES as f64).then_some(()));
    let leaving: Vec<_> = (0..LEAVERS).map(|n| ask(LONG_ONES + n, "leaves")).collect();
    wait_for("those who will leave", || (begun() > (LONG_ONES + LEAVERS) as f64).then_some(()));
    // Nothing was sent to them, so closing sends a FIN and no RST.
    drop(leaving);

    wait_for("the others to be answered", || {
        (api.metric("undertone_predictions_total") >= LONG_ONES as f64).then_some(())
    });
    wait_for("the queue to be empty", || (api.metric("undertone_queue_depth") < 1.0).then_some(()));
    // A few may have disconnected before their text was queued.
    let skipped = api.metric("undertone_skipped_total");
    assert!(skipped >= 10.0, "{skipped} of {LEAVERS} texts were skipped");
    assert_eq!(api.get("/api/v1/predictions?ref=leaves").unwrap().body["items"], json!([]));
    assert!(running.log_of_level("ERROR").is_empty());
}

/// TCP has no difference between a client that disconnected and one that only stopped sending: a request without a
/// response when the FIN arrives gets none.
#[test]
fn a_client_that_half_closes_gets_no_response_that_is_not_ready() {
    let folder = TempDir::new().unwrap();
    let running = Undertone::start(folder.path(), "sqlite:data/undertone.db", &[]);
    let mut connection = RawConnection::open(&running.address);
    connection.send("GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(connection.head(), 200);
    let mut connection = RawConnection::open(&running.address);
    connection.send(&RawConnection::post("/api/v1/predictions", &json!({ "text": long_text(0) })));
    connection.half_close();
    assert_eq!(connection.rest(), "");
}
