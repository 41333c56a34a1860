//! Clients that occupy their connections as long as they can: a byte per second, or a response that they never read.

use std::fs;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use crate::api::Api;
use crate::raw::RawConnection;
use crate::undertone::{Undertone, wait_for};

const SQLITE: &str = "sqlite:data/undertone.db";
const CLIENTS: usize = 1_000;

/// Returns the number of open files of the process; none on systems without `/proc`.
fn open_files(running: &Undertone) -> Option<usize> {
    Some(fs::read_dir(format!("/proc/{}/fd", running.pid())).ok()?.count())
}

/// Returns the durations of many predictions, all of which must succeed.
fn served(api: &Api, mark: &str) -> Vec<Duration> {
    let serve = |n: usize| {
        let started = Instant::now();
        // A new connection now and then, as other clients have.
        let api = if n.is_multiple_of(10) { api.another() } else { api.clone() };
        assert_eq!(api.predict(&format!("{mark} {n}")).expect("answered").status, 200);
        started.elapsed()
    };
    let mut times: Vec<_> = (0..200).map(serve).collect();
    times.sort_unstable();
    times
}

fn p99(times: &[Duration]) -> Duration {
    times[times.len() * 99 / 100]
}

#[test]
fn clients_that_send_a_byte_per_second_or_never_read_do_not_slow_others() {
    let folder = TempDir::new().unwrap();
    let times = ["server.keep_alive=10", "server.body_timeout=20", "server.send_timeout=20"];
    let settings = [times[0], times[1], times[2], "cache.enabled=false"];
    let running = Undertone::start(folder.path(), SQLITE, &settings);
    let api = running.api();
    // Fills a page of a megabyte with texts of one token each.
    let long = "x".repeat(9_900);
    for n in 0..10 {
        let items: Vec<_> = (0..10).map(|item| json!({ "text": format!("{n}{item} {long}") })).collect();
        let answer = api.post("/api/v1/predictions/batch", &json!({ "items": items })).unwrap();
        assert_eq!(answer.body["succeeded"], 10, "{}", answer.body);
    }
    let before = served(&api, "before");
    let files_before = open_files(&running);

    let trickling = AtomicBool::new(true);
    thread::scope(|scope| {
        scope.spawn(|| trickle(&running.address, &trickling));
        let unread: Vec<_> = (0..CLIENTS).map(|_| never_read(&running.address)).collect();
        if let Some(files) = files_before {
            wait_for("all of them", || (open_files(&running)? >= files + 3 * CLIENTS / 2).then_some(()));
        }
        let during = served(&api, "during");
        println!("p99 of single texts: {:?} without them, {:?} beside them", p99(&before), p99(&during));
        let resident = running.resident_kib();
        println!("resident: {resident:?} KiB, files: {:?}", open_files(&running));
        assert!(resident.is_none_or(|kib| kib < 450 * 1024), "{resident:?} KiB");
        trickling.store(false, Ordering::SeqCst);
        // The connections of clients that never read are cut.
        if let Some(files) = files_before {
            wait_for("their connections to be ended", || (open_files(&running)? < files + 50).then_some(()));
        }
        drop(unread);
    });
    assert_eq!(api.predict("after all").unwrap().status, 200);
    assert!(running.log_of_level("ERROR").is_empty(), "{:?}", running.log_of_level("ERROR"));
}

/// Sends a head (half of the clients) or a body (the others), one byte per second, while `go_on` is true.
fn trickle(address: &str, go_on: &AtomicBool) {
    let head = "GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Filler: and so on and so on and so on\r\n";
    let connect = |n: usize| {
        let mut connection = RawConnection::open(address);
        if n.is_multiple_of(2) {
            connection.send("POST /api/v1/predictions HTTP/1.1\r\nHost: localhost\r\n");
            connection.send("Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n");
        }
        connection
    };
    let mut clients: Vec<_> = (0..CLIENTS).map(connect).collect();
    for byte in head.bytes().cycle() {
        if !go_on.load(Ordering::SeqCst) {
            return;
        }
        for client in &mut clients {
            // A client whose connection was ended gets an error and opens another.
            let _ = std::io::Write::write(client.stream(), &[byte]);
        }
        #[expect(clippy::disallowed_methods, reason = "these clients are slow")]
        thread::sleep(Duration::from_secs(1));
    }
}

/// A client that requests a large page several times and reads none of it.
fn never_read(address: &str) -> TcpStream {
    let mut connection = RawConnection::open(address);
    for _ in 0..8 {
        connection.send("GET /api/v1/predictions?limit=100 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
    connection.stream().try_clone().expect("a second handle")
}

#[test]
fn a_head_that_does_not_arrive_in_time_ends_the_connection_even_after_others() {
    let folder = TempDir::new().unwrap();
    let running = Undertone::start(folder.path(), SQLITE, &["server.head_timeout=1"]);
    let mut first = RawConnection::open(&running.address);
    first.send("GET /health/live HTTP/1.1\r\nHo");
    assert_eq!(first.head(), 408);
    assert_eq!(first.rest(), "");

    let mut second = RawConnection::open(&running.address);
    second.send("GET /api/v1/nothing HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(second.head(), 404);
    second.send("GET /health/live HTTP/1.1\r\nHo");
    assert!(!second.rest().contains("HTTP/1.1"));

    let mut silent = RawConnection::open(&running.address);
    assert_eq!(silent.head(), 408);
}

#[test]
fn a_body_that_does_not_arrive_in_time_is_a_408_and_an_idle_stream_ends_with_a_problem() {
    let folder = TempDir::new().unwrap();
    let settings = ["server.body_timeout=1", "server.stream_idle_timeout=2"];
    let running = Undertone::start(folder.path(), SQLITE, &settings);
    let mut connection = RawConnection::open(&running.address);
    connection.send("POST /api/v1/predictions HTTP/1.1\r\nHost: localhost\r\n");
    connection.send("Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"text\":");
    assert_eq!(connection.head(), 408);
    assert!(connection.rest().contains("\"code\":\"request_timeout\""));

    let mut stream = RawConnection::open(&running.address);
    stream.send("POST /api/v1/predictions/stream HTTP/1.1\r\nHost: localhost\r\n");
    stream.send("Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n");
    stream.send_chunk("{\"text\":\"I love it\"}\n");
    assert_eq!(stream.head(), 200);
    assert!(stream.chunk().expect("an answer").contains("\"status\":200"));
    let end = stream.chunk().expect("an end");
    assert_eq!(end.trim_end(), r#"{"done":false,"reason":"request_timeout","ok":1,"failed":0}"#);
}

#[test]
fn connections_beyond_the_limit_wait_until_one_ends() {
    let folder = TempDir::new().unwrap();
    let settings = ["server.max_connections=4", "server.workers=2", "server.admin_address=127.0.0.1:0"];
    let running = Undertone::start(folder.path(), SQLITE, &settings);
    let admin = Api::at(&running.admin_address());
    let live = "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let connect = || {
        let mut connection = RawConnection::open(&running.address);
        connection.send(live);
        connection
    };
    let mut connections: Vec<_> = (0..4).map(|_| connect()).collect();
    for connection in &mut connections {
        assert_eq!(connection.head(), 200);
    }
    let mut fifth = connect();
    // The operators' listener is not affected.
    assert_eq!(admin.get("/health/live").unwrap().status, 200);
    assert!(!fifth.has_bytes());
    connections.pop();
    assert_eq!(fifth.head(), 200);
}
