//! Bodies that are large, many or never read: memory stays bounded, and other requests are served meanwhile.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::undertone::{Undertone, wait_for};

const SINGLE: &str = "/api/v1/predictions";
const BATCH: &str = "/api/v1/predictions/batch";
const MIB: usize = 1 << 20;

/// The memory that the process may use: some 120 MB with the model, 64 MiB of bodies, and what parsing them needs.
const MOST_RESIDENT_KIB: u64 = 300_000;

fn start(folder: &TempDir, settings: &[&str]) -> Undertone {
    Undertone::start(folder.path(), "sqlite:data/undertone.db", settings)
}

/// Opens a connection and sends the beginning of a request.
fn begin(address: &str, head: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("connects");
    let host = format!("host: {address}\r\n\r\n");
    stream.write_all(format!("{head}\r\n{host}").as_bytes()).expect("sent");
    stream
}

fn post(path: &str, length: usize) -> String {
    format!("POST {path} HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: {length}")
}

/// Sends `body` and returns the status and the problem code of the response.
fn send(address: &str, path: &str, body: &[u8]) -> (u16, String) {
    let mut stream = begin(address, &format!("{}\r\nconnection: close", post(path, body.len())));
    // A service that refuses a body does not read all of it.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    let problem: Value = serde_json::from_str(body).unwrap_or_default();
    (status.expect("a status"), problem["code"].as_str().unwrap_or_default().to_owned())
}

/// Returns `bytes` bytes: `begin`, then `part` repeated, then `end`.
fn filled(bytes: usize, begin: &str, part: &str, end: &str) -> Vec<u8> {
    let parts = (bytes - begin.len() - end.len()) / part.len();
    [begin, &part.repeat(parts), end].concat().into_bytes()
}

/// Bodies that would need many times their size as JSON trees, and the codes with which they are refused.
fn hostile(bytes: usize) -> Vec<(Vec<u8>, &'static str)> {
    vec![
        (filled(bytes, r#"{"items":[0"#, r#",{"":{"":{"":{}}}}"#, "]}"), "too_many"),
        (filled(bytes, r#"{"items":[0"#, ",[]", "]}"), "too_many"),
        (filled(bytes, r#"{"items":[0"#, ",0", "]}"), "too_many"),
        (filled(bytes, r#"{"items":[],""#, "long key ", r#"":0}"#), "unknown_field"),
        (filled(bytes, r#"{"items":[0],"options":{"":0"#, r#","":{"":[[]]}"#, "}}"), "unknown_field"),
    ]
}

#[test]
fn large_bodies_are_refused_in_bounded_memory_while_other_requests_are_served() {
    let folder = TempDir::new().unwrap();
    let running = start(&folder, &[]);
    let large = hostile(8 * MIB).into_iter().map(|(body, code)| (BATCH, body, code));
    let single = hostile(MIB).into_iter().map(|(body, _)| (SINGLE, body, "missing_field"));
    let metadata = filled(MIB, r#"{"text":"a","metadata":{"":0"#, r#","k":{"":0}"#, "}}");
    let bodies: Vec<_> = large.chain(single).chain([(SINGLE, metadata, "wrong_type")]).collect();
    thread::scope(|scope| {
        let callers: Vec<_> = bodies
            .iter()
            .chain(&bodies)
            .map(|(path, body, code)| {
                let address = &running.address;
                scope.spawn(move || (send(address, path, body), *code))
            })
            .collect();
        let api = running.api();
        while callers.iter().any(|caller| !caller.is_finished()) {
            assert_eq!(api.predict("small").unwrap().status, 200);
            assert!(api.is_ready());
        }
        for caller in callers {
            let ((status, code), expected) = caller.join().unwrap();
            let saturated = (status, code.as_str()) == (503, "saturated");
            assert!(
                saturated || (status, code.as_str()) == (422, expected),
                "{status} {code}, not {expected}"
            );
        }
    });
    if let Some(peak) = running.memory_kib("VmHWM:") {
        assert!(peak <= MOST_RESIDENT_KIB, "{peak} KiB at the peak");
    }
}

#[test]
fn announced_bodies_take_no_memory() {
    let folder = TempDir::new().unwrap();
    let limits = ["limits.max_batch_body_bytes=1073741824", "server.max_body_memory=1073741824"];
    let running = start(&folder, &limits);
    let before = running.memory_kib("VmSize:");
    let connections: Vec<TcpStream> =
        (0..8).map(|_| begin(&running.address, &post(BATCH, 1 << 30))).collect();
    for mut connection in &connections {
        connection.write_all(b"{").unwrap();
    }
    let api = running.api();
    // The eight, and the connection of this request.
    wait_for("the requests", || api.text("/metrics").contains("http_requests_active 9").then_some(()));
    if let Some((before, after)) = before.zip(running.memory_kib("VmSize:")) {
        assert!(after < before + (4 << 20), "{} KiB more", after - before);
    }
    drop(connections);
}

#[test]
fn unread_responses_take_bounded_memory_while_other_requests_are_served() {
    let folder = TempDir::new().unwrap();
    let running = start(&folder, &[]);
    let api = running.api();
    // One long word is one token, so that the model is fast.
    let items: Vec<Value> = (0..100).map(|n| json!({"text": "😀".repeat(9_900 + n)})).collect();
    let answer = api.post(BATCH, &json!({"items": items})).unwrap();
    assert_eq!(answer.body["succeeded"], 100, "{answer:?}");
    let page = "/api/v1/predictions?limit=100";
    let connections: Vec<TcpStream> =
        (0..100).map(|_| begin(&running.address, &format!("GET {page} HTTP/1.1"))).collect();
    wait_for("pages to be refused", || {
        assert_eq!(api.predict("small").unwrap().status, 200);
        // A store may refuse a list that waits too long for others.
        let refused = api.get(page).unwrap();
        (refused.status == 503 && refused.body["code"] == "saturated").then_some(())
    });
    if let Some(peak) = running.memory_kib("VmHWM:") {
        assert!(peak <= MOST_RESIDENT_KIB, "{peak} KiB at the peak");
    }
    drop(connections);
    wait_for("the memory to be free", || (api.get(page).unwrap().status == 200).then_some(()));
}
