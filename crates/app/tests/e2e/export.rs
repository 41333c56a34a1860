//! Exports from the real program, on each store, while others write and delete.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api::Api;
use crate::command::undertone;
use crate::command_line;
use crate::database::Database;
use crate::raw::RawConnection;
use crate::undertone::{Undertone, wait_for};

const SQLITE: &str = "sqlite:data/undertone.db";
const EXPORT: &str = "/api/v1/predictions/export";
const ROWS: usize = 4_500;

/// Stores rows with few different texts, which the cache answers; returns their ids by reference.
fn fill(api: &Api) -> BTreeMap<String, String> {
    let refs: Vec<String> = (0..ROWS).map(|n| format!("r{n:05}")).collect();
    let stored = refs.chunks(500).flat_map(|some| {
        let text = |reference: &String| if reference.ends_with('7') { "bad, \"very\"\nbad" } else { "good" };
        let item = |reference: &String| json!({"text": text(reference), "ref": reference});
        let items: Vec<Value> = some.iter().map(item).collect();
        let answer = api.post("/api/v1/predictions/batch", &json!({ "items": items })).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        let items = answer.body["items"].as_array().unwrap().clone();
        items.into_iter().map(|item| {
            let of = |field: &str| item["prediction"][field].as_str().unwrap().to_owned();
            (of("ref"), of("id"))
        })
    });
    stored.collect()
}

fn references_of_csv(export: &str) -> Vec<String> {
    let mut lines = csv_lines(export);
    assert_eq!(lines.next().map(|line| line.starts_with("id,created_at,ref,")), Some(true));
    lines.map(|line| line.split(',').nth(2).unwrap().to_owned()).collect()
}

/// The lines that begin a record; a text may contain further ones.
fn csv_lines(export: &str) -> impl Iterator<Item = &str> {
    export.lines().filter(|line| line.split(',').count() > 10)
}

fn references_of_jsonl(export: &str) -> Vec<String> {
    let mut lines: Vec<Value> = export.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let end = lines.pop().unwrap();
    assert_eq!(end, json!({"done": true, "rows": lines.len()}));
    lines.iter().map(|line| line["ref"].as_str().unwrap().to_owned()).collect()
}

/// Asserts that an export has every row once that was not deleted while it was made.
fn assert_complete(export: &[String], stored: &BTreeMap<String, String>, deleted: &HashSet<String>) {
    let unique: HashSet<&String> = export.iter().collect();
    assert_eq!(unique.len(), export.len(), "a row is exported twice");
    let missed: Vec<_> = stored
        .keys()
        .filter(|reference| !unique.contains(reference) && !deleted.contains(*reference))
        .collect();
    assert!(missed.is_empty(), "{missed:?}");
}

fn exports_beside_writes(store: &str) {
    let folder = TempDir::new().unwrap();
    let service = Undertone::start(folder.path(), store, &[]);
    let api = service.api();
    let stored = fill(&api);
    let end = AtomicBool::new(false);
    let (exports, deleted) = thread::scope(|scope| {
        let (api, end, stored) = (api.another(), &end, &stored);
        let changes = scope.spawn(move || {
            let mut deleted = HashSet::new();
            for (reference, id) in stored.iter().step_by(7) {
                if end.load(Ordering::Relaxed) {
                    break;
                }
                assert_eq!(api.delete(&format!("/api/v1/predictions/{id}")).unwrap().status, 204);
                deleted.insert(reference.clone());
                api.post("/api/v1/predictions", &json!({"text": "good", "ref": "new"})).unwrap();
            }
            deleted
        });
        let exports: Vec<Vec<String>> = (0..3)
            .flat_map(|_| {
                let csv = references_of_csv(&service.api().text(EXPORT));
                let jsonl = references_of_jsonl(&service.api().text(&format!("{EXPORT}?format=jsonl")));
                [csv, jsonl]
            })
            .collect();
        end.store(true, Ordering::Relaxed);
        (exports, changes.join().unwrap())
    });
    for mut export in exports {
        export.retain(|reference| reference != "new");
        assert_complete(&export, &stored, &deleted);
    }
    let arguments = ["export", "--output", "out.jsonl", "--ref", "r00001"];
    undertone(folder.path(), store, &arguments);
    let written = fs::read_to_string(folder.path().join("out.jsonl")).unwrap();
    assert_eq!(references_of_jsonl(&written), ["r00001"]);
    let printed = undertone(folder.path(), store, &["export", "--format", "csv"]);
    assert_eq!(printed, service.api().text(EXPORT));
}

#[test]
fn exports_beside_writes_are_complete_with_sqlite() {
    exports_beside_writes(SQLITE);
}

#[test]
fn exports_beside_writes_are_complete_with_postgresql() {
    exports_beside_writes(&Database::create().url());
}

#[test]
fn clients_that_leave_free_their_places_and_a_shutdown_breaks_the_body_visibly() {
    let folder = TempDir::new().unwrap();
    let mut service = Undertone::start(
        folder.path(),
        SQLITE,
        &["server.drain_delay=0", "server.shutdown_timeout=1", "limits.max_chars=20000"],
    );
    let api = service.api();
    fill(&api);
    // Long enough that a connection cannot buffer the export.
    let long = "word ".repeat(4_000);
    for _ in 0..40 {
        let items: Vec<_> = (0..20).map(|_| json!({ "text": long })).collect();
        let body = json!({"items": items, "options": {"max_tokens": 16, "overflow": "truncate"}});
        assert_eq!(api.post("/api/v1/predictions/batch", &body).unwrap().status, 200);
    }
    let request = format!("GET {EXPORT}?format=jsonl HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let begin = || {
        let mut connection = RawConnection::open(&service.address);
        connection.send(&request);
        connection
    };
    let mut connections: Vec<_> = (0..4).map(|_| begin()).collect();
    assert!(connections.iter_mut().all(|connection| connection.head() == 200));
    let refused = api.get(EXPORT).unwrap();
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    drop(connections);
    let mut last = wait_for("a free place", || {
        let mut connection = begin();
        (connection.head() == 200).then_some(connection)
    });
    service.terminate();
    assert!(service.wait().success());
    let mut rest = Vec::new();
    let _ = last.stream().read_to_end(&mut rest);
    assert!(!String::from_utf8_lossy(&rest).contains("\"done\""), "the export looks complete");
}

#[test]
fn a_file_is_not_replaced_and_has_its_name_only_when_it_is_complete() {
    let folder = TempDir::new().unwrap();
    let run = |arguments: &[&str]| {
        command_line::undertone(folder.path(), &[&["--store", SQLITE], arguments].concat(), "")
    };
    let nothing = run(&["export", "--output", "out.csv"]);
    assert_eq!(nothing.status.code(), Some(2), "{nothing:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "a partial file is left");
    undertone(folder.path(), SQLITE, &["migrate", "up"]);
    undertone(folder.path(), SQLITE, &["export", "--output", "out.csv"]);
    let header = fs::read_to_string(folder.path().join("out.csv")).unwrap();
    assert_eq!(header.lines().count(), 1);
    assert!(!folder.path().join("out.csv.partial").exists());
    let existing = run(&["export", "--output", "out.csv"]);
    assert_eq!(existing.status.code(), Some(2), "{existing:?}");
    assert!(String::from_utf8_lossy(&existing.stderr).contains("--force"), "{existing:?}");
    undertone(folder.path(), SQLITE, &["export", "--output", "out.csv", "--force", "--format", "jsonl"]);
    let replaced = fs::read_to_string(folder.path().join("out.csv")).unwrap();
    assert_eq!(replaced, "{\"done\":true,\"rows\":0}\n");
    let unknown = run(&["export", "--tenant", "unknown"]);
    assert_eq!(unknown.status.code(), Some(1), "{unknown:?}");
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("no tenant unknown"), "{unknown:?}");
    let invalid = run(&["export", "--sentiment", "glad"]);
    assert_eq!(invalid.status.code(), Some(2), "{invalid:?}");
}
