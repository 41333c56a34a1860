//! SQLite that cannot be written to: full, or read-only.

use tempfile::TempDir;

use crate::undertone::{Undertone, wait_for};

#[test]
fn a_full_database_refuses_writes_until_rows_are_deleted() {
    let folder = TempDir::new().unwrap();
    let settings = ["store.max_size_mib=1", "limits.max_chars=20000"];
    let mut running = Undertone::start(folder.path(), "sqlite:data/undertone.db", &settings);
    let api = running.api();
    // One long word is one token, so that the model is fast.
    let text = "x".repeat(20_000);
    let mut stored = Vec::new();
    let refused = loop {
        let answer = api.predict(&text).unwrap();
        if answer.status != 200 {
            break answer;
        }
        stored.push(answer.body["id"].as_str().expect("an id").to_owned());
        assert!(stored.len() < 1_000, "never full");
    };
    assert_eq!((refused.status, refused.body["code"].as_str()), (503, Some("unavailable")));
    // A few short texts may fit where a long one does not.
    wait_for("no room for a short text", || {
        api.predict("short").is_ok_and(|answer| answer.status == 503).then_some(())
    });
    wait_for("the full store to be unhealthy", || (!api.is_ready()).then_some(()));
    let health = api.get("/health").unwrap();
    assert_eq!((health.status, health.body["status"].as_str()), (503, Some("unhealthy")));
    for id in &stored {
        assert_eq!(api.stored(id)["text"].as_str(), Some(text.as_str()));
    }
    for id in stored.drain(..stored.len() / 2) {
        assert_eq!(api.delete(&format!("/api/v1/predictions/{id}")).unwrap().status, 204);
    }
    wait_for("room", || api.predict("short").is_ok_and(|answer| answer.status == 200).then_some(()));
    wait_for("the store to be healthy", || api.is_ready().then_some(()));
    for id in &stored {
        api.stored(id);
    }
    assert!(running.is_running());
}

#[test]
fn a_read_only_database_serves_reads_and_refuses_writes() {
    let folder = TempDir::new().unwrap();
    let first = Undertone::start(folder.path(), "sqlite:data/undertone.db", &[]);
    let id = first.api().predict("stored before").unwrap().body["id"].as_str().expect("an id").to_owned();
    first.terminate();
    let mut first = first;
    assert_eq!(first.wait().code(), Some(0));

    let mut running = Undertone::start(folder.path(), "sqlite:data/undertone.db?mode=ro", &[]);
    let api = running.api();
    assert_eq!(api.stored(&id)["text"], "stored before");
    let refused = api.predict("too late").unwrap();
    assert_eq!((refused.status, refused.body["code"].as_str()), (503, Some("unavailable")));
    let health = api.get("/health").unwrap();
    assert_eq!((health.status, health.body["status"].as_str()), (200, Some("degraded")));
    assert!(api.is_ready());
    assert!(running.is_running());
}
