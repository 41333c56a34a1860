//! Shutting down at every moment, in time, without a failed request.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{FaultProxy, ProxyMode};
use tokio::net::lookup_host;

use crate::database::Database;
use crate::load::Load;
use crate::locks::{OpenTransaction, wait_for_lock_waiter};
use crate::raw::RawConnection;
use crate::undertone::{Undertone, wait_for};

const SQLITE: &str = "sqlite:data/undertone.db";
/// Longer than any test waits.
const FOR_EVER: &str = "3600";

/// The clients honor `Connection: close` and send nothing more, as a load balancer does.
#[test]
fn sigterm_under_load_fails_no_accepted_request() {
    let folder = TempDir::new().unwrap();
    let mut running = Undertone::start(folder.path(), SQLITE, &["server.drain_delay=2"]);
    let load = Load::start(&running.api(), 64, |answer| answer.closes);
    wait_for("some load", || (load.answered() > 200).then_some(()));
    running.terminate();
    let terminated = Instant::now();
    wait_for("the service to be not ready", || (!running.api().is_ready()).then_some(()));
    let sent = load.join();
    let status = running.wait();
    // Orchestrators have a grace period of 30 s.
    assert!(terminated.elapsed() < Duration::from_secs(25), "took {:?}", terminated.elapsed());
    assert_eq!(status.code(), Some(0));
    for one in &sent {
        assert_eq!(one.answer.as_ref().map(|answer| answer.status), Some(200), "{one:?}");
    }
    assert!(running.log_of_level("ERROR").is_empty());
}

/// Returns a server that accepts connections and sends nothing, like a database whose host hangs.
fn silent_server() -> TcpListener {
    let server = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let accepting = server.try_clone().unwrap();
    thread::spawn(move || {
        let mut connections = Vec::new();
        loop {
            match accepting.accept() {
                Ok(connection) => connections.push(connection),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Interrupted, "{error}"),
            }
        }
    });
    server
}

#[test]
fn a_signal_while_the_store_does_not_respond_ends_the_start() {
    let silent = silent_server().local_addr().unwrap();
    let refusing = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let start_timeout = format!("store.start_timeout={FOR_EVER}");
    let timeout = format!("store.timeout={FOR_EVER}");
    for (address, settings, interrupted) in [
        (silent, [start_timeout.as_str(), timeout.as_str()], false),
        (refusing, [start_timeout.as_str(), "store.timeout=5"], true),
    ] {
        let folder = TempDir::new().unwrap();
        let store = format!("postgres://user@{address}/database");
        let mut running = Undertone::spawn(folder.path(), &store, &settings);
        running.wait_for_log("open files");
        let signal = if interrupted { Undertone::interrupt } else { Undertone::terminate };
        signal(&running);
        assert_eq!(running.wait().code(), Some(0), "{:?}", running.log());
        assert!(running.log_of_level("ERROR").is_empty());
    }
}

#[test]
fn a_signal_while_another_process_migrates_ends_the_start() {
    let database = Database::create();
    // The table of sqlx's migrations, locked by a transaction that does not end.
    let _migrating =
        OpenTransaction::of(&database.url(), "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY)");
    let folder = TempDir::new().unwrap();
    let mut running = Undertone::spawn(folder.path(), &database.url(), &["store.start_timeout=3600"]);
    wait_for_lock_waiter(&database.url());
    running.terminate();
    assert_eq!(running.wait().code(), Some(0), "{:?}", running.log());
}

#[test]
fn a_second_signal_stops_at_once_while_draining_and_while_requests_end() {
    for (drain_delay, waits_for) in [(FOR_EVER, "draining"), ("0", "waiting for requests in progress")] {
        let folder = TempDir::new().unwrap();
        let (drain, shutdown) =
            (format!("server.drain_delay={drain_delay}"), format!("server.shutdown_timeout={FOR_EVER}"));
        let mut running =
            Undertone::start(folder.path(), SQLITE, &[&drain, &shutdown, "server.body_timeout=3600"]);
        // A request that never ends by itself.
        let mut connection = RawConnection::open(&running.address);
        connection.send("POST /api/v1/predictions HTTP/1.1\r\nHost: localhost\r\n");
        connection.send("Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{");
        wait_for("the request", || (running.api().metric("http_requests_active") >= 2.0).then_some(()));
        running.terminate();
        running.wait_for_log(waits_for);
        assert!(running.is_running());
        running.interrupt();
        assert_eq!(running.wait().code(), Some(0), "{:?}", running.log());
        assert_eq!(connection.rest(), "");
    }
}

/// The limit is 30 s after SIGTERM, the grace period of orchestrators, and 20 s after Ctrl-C.
fn a_silent_database_does_not_delay(signal: fn(&Undertone), within: Duration) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let database = Database::create();
    let proxy = runtime.block_on(async {
        let target = lookup_host(database.server()).await.unwrap().next().expect("an address");
        FaultProxy::start(target).await
    });
    let folder = TempDir::new().unwrap();
    let store = database.url_through(&proxy.addr().to_string());
    let mut running = Undertone::start(folder.path(), &store, &[]);
    let load = Load::start(&running.api(), 16, |answer| answer.closes);
    wait_for("some load", || (load.answered() > 50).then_some(()));
    runtime.block_on(proxy.set_mode(ProxyMode::Stall));
    let signalled = Instant::now();
    signal(&running);
    let status = running.wait();
    let took = signalled.elapsed();
    assert!(took < within, "took {took:?}: {:?}", running.log());
    assert_eq!(status.code(), Some(0));
    drop(load.end());
}

#[test]
fn a_silent_database_does_not_delay_the_end_after_sigterm() {
    a_silent_database_does_not_delay(Undertone::terminate, Duration::from_secs(30));
}

#[test]
fn a_silent_database_does_not_delay_the_end_after_ctrl_c() {
    a_silent_database_does_not_delay(Undertone::interrupt, Duration::from_secs(20));
}

#[test]
fn an_open_stream_ends_in_order_when_the_service_shuts_down() {
    let folder = TempDir::new().unwrap();
    let settings = ["server.drain_delay=1", "server.shutdown_timeout=3600"];
    let mut running = Undertone::start(folder.path(), SQLITE, &settings);
    let mut connection = RawConnection::open(&running.address);
    connection.send("POST /api/v1/predictions/stream HTTP/1.1\r\nHost: localhost\r\n");
    connection.send("Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n");
    connection.send_chunk("{\"text\":\"I love it\"}\n{\"text\":\"\"}\n");
    assert_eq!(connection.head(), 200);
    let json = |chunk: Option<String>| serde_json::from_str::<Value>(&chunk.expect("a line")).expect("JSON");
    assert_eq!(json(connection.chunk())["status"], 200);
    assert_eq!(json(connection.chunk())["status"], 422);
    running.terminate();
    let end = json(connection.chunk());
    assert_eq!(end, json!({"done": false, "reason": "shutting_down", "ok": 1, "failed": 1}));
    assert_eq!(connection.chunk(), None);
    // The service ends although the client has not closed.
    assert_eq!(running.wait().code(), Some(0));
    assert!(running.log_of_level("ERROR").is_empty());
}
