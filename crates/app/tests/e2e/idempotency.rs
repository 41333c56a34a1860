//! Requests that are sent again with the same key: one answer, one row, whatever happens in between.

mod repeatable;
mod store;

use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::json;

use crate::raw::RawConnection;
use crate::undertone::{Undertone, wait_for};

use self::repeatable::{Repeatable, ids};
use self::store::Store;

const KEY: &str = "idempotency-key";

/// Kills a process at each step of a request, and sends the request again to another process.
fn an_answer_survives_kill_9_at_each_step(store: &Store) {
    let survivor = store.start(&[]);
    let api = survivor.api();
    for step in ["claiming", "claimed", "committing", "committed"] {
        for (kind, request) in [("single", Repeatable::single as fn(&str) -> _), ("batch", Repeatable::batch)]
        {
            let request = request(&format!("{kind}-{step}"));
            let dying = store.start_and_abort_at(step);
            let sent = request.send_within(&dying.api(), "2000");
            assert!(sent.is_err(), "{step}: {sent:?}");
            let answer = request.answer(&api);
            // The first request was answered where it had committed, and only there.
            let replayed = answer.header("idempotent-replayed");
            assert_eq!(replayed.is_some(), step == "committed", "{kind} {step}");
            request.assert_stored_once(&api, &answer);
        }
    }
    // A request that fails gives its key back; without that, its lease ends.
    let request = Repeatable::slow_batch("releasing");
    let dying = store.start_and_abort_at("releasing");
    let sent = request.send_within(&dying.api(), "500");
    assert!(sent.is_err(), "releasing: {sent:?}");
    let answer = request.answer(&api);
    request.assert_stored_once(&api, &answer);
}

#[test]
fn an_answer_survives_kill_9_at_each_step_on_sqlite() {
    an_answer_survives_kill_9_at_each_step(&Store::sqlite());
}

#[test]
fn an_answer_survives_kill_9_at_each_step_on_postgres() {
    an_answer_survives_kill_9_at_each_step(&Store::postgres());
}

/// The requests that the tests below stall.
fn stalled_requests() -> impl Iterator<Item = (&'static str, Repeatable)> {
    // Before the texts are classified, and before the predictions are stored.
    ["claimed", "committing"].into_iter().flat_map(|step| {
        let requests =
            [Repeatable::single(&format!("single-{step}")), Repeatable::batch(&format!("batch-{step}"))];
        requests.map(|request| (step, request))
    })
}

/// Stalls a request beyond its lease while another process answers it.
fn a_request_after_its_lease_stores_nothing(store: &Store) {
    let other = store.start(&[]);
    for (step, request) in stalled_requests() {
        let stalled = store.start_and_stall_at(step, &[]);
        thread::scope(|scope| {
            let (request, api) = (&request, stalled.api());
            let first = scope.spawn(move || request.send_within(&api, "1000").unwrap());
            store.wait_for_claim();
            let answer = request.answer(&other.api());
            assert_eq!(answer.header("idempotent-replayed"), None);
            store.resume();
            let late = first.join().unwrap();
            assert_eq!((late.status, &late.body["code"]), (503, &json!("deadline_exceeded")), "{step}");
            request.assert_stored_once(&other.api(), &answer);
        });
    }
}

#[test]
fn a_request_after_its_lease_stores_nothing_on_sqlite() {
    a_request_after_its_lease_stores_nothing(&Store::sqlite());
}

#[test]
fn a_request_after_its_lease_stores_nothing_on_postgres() {
    a_request_after_its_lease_stores_nothing(&Store::postgres());
}

/// Ends the lease of a request before its deadline, as a step of the database's clock does.
fn a_holder_that_lost_its_lease_answers_409(store: &Store) {
    let other = store.start(&[]);
    for (step, request) in stalled_requests() {
        let stalled = store.start_and_stall_at(step, &[]);
        thread::scope(|scope| {
            let (request, api) = (&request, stalled.api());
            let first = scope.spawn(move || request.send(&api).unwrap());
            store.wait_for_claim();
            assert_eq!(request.send(&other.api()).unwrap().status, 409);
            store.end_leases();
            let answer = request.answer(&other.api());
            store.resume();
            let late = first.join().unwrap();
            assert_eq!((late.status, &late.body["code"]), (409, &json!("conflict")), "{step}: {}", late.body);
            request.assert_stored_once(&other.api(), &answer);
        });
    }
}

#[test]
fn a_holder_that_lost_its_lease_answers_409_on_sqlite() {
    a_holder_that_lost_its_lease_answers_409(&Store::sqlite());
}

#[test]
fn a_holder_that_lost_its_lease_answers_409_on_postgres() {
    a_holder_that_lost_its_lease_answers_409(&Store::postgres());
}

/// Sends 10,000 requests with 100 keys to so many processes.
fn a_hundred_keys_make_a_hundred_rows(store: &Store, processes: usize) {
    const REQUESTS: usize = 10_000;
    const KEYS: usize = 100;
    const CLIENTS: usize = 256;
    let replicas: Vec<_> = (0..processes).map(|_| store.start(&[])).collect();
    let requests: Vec<_> = (0..KEYS).map(|key| Repeatable::single(&format!("key-{key}"))).collect();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (requests, next, api) = (&requests, &next, replicas[client % processes].api());
            scope.spawn(move || {
                while let Some(number) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).filter(|it| *it < REQUESTS)
                {
                    let answer = requests[number * 7 % KEYS].send(&api).unwrap();
                    let is_expected =
                        answer.status == 200 || answer.body["code"] == "idempotency_in_progress";
                    assert!(is_expected, "{answer:?}");
                }
            });
        }
    });
    let api = replicas[0].api();
    for request in &requests {
        let answer = request.answer(&api);
        request.assert_stored_once(&api, &answer);
    }
}

#[test]
fn a_hundred_keys_make_a_hundred_rows_on_sqlite() {
    a_hundred_keys_make_a_hundred_rows(&Store::sqlite(), 1);
}

#[test]
fn a_hundred_keys_make_a_hundred_rows_on_postgres() {
    a_hundred_keys_make_a_hundred_rows(&Store::postgres(), 2);
}

/// Sends a request that stalls, and closes its connection once the key is claimed.
fn send_and_disconnect(store: &Store, running: &Undertone, request: &Repeatable) {
    let mut connection = RawConnection::open(&running.address);
    let sent = RawConnection::post(request.path, &request.body);
    connection.send(&sent.replacen("\r\n\r\n", &format!("\r\n{KEY}: {}\r\n\r\n", request.name), 1));
    store.wait_for_claim();
    drop(connection);
    let api = running.api();
    // The request for the metrics is active itself.
    wait_for("the end of the connection", || (api.metric("http_requests_active") < 2.0).then_some(()));
}

#[test]
fn a_client_that_disconnects_gets_the_stored_answer_when_it_sends_the_request_again() {
    let store = Store::sqlite();
    let running = store.start_and_stall_at("claimed", &[]);
    let (api, request) = (running.api(), Repeatable::single("left"));
    send_and_disconnect(&store, &running, &request);
    store.resume();
    let answer = request.answer(&api);
    assert_eq!(answer.header("idempotent-replayed"), Some("true"));
    request.assert_stored_once(&api, &answer);
    assert_eq!(api.delete(&format!("/api/v1/predictions/{}", ids(&answer.body)[0])).unwrap().status, 204);
    let gone = request.send(&api).unwrap();
    assert_eq!((gone.status, &gone.body["code"]), (410, &json!("gone")), "{}", gone.body);
}

#[test]
fn a_service_that_shuts_down_waits_for_a_request_whose_client_has_disconnected() {
    let store = Store::sqlite();
    let settings = ["server.drain_delay=0", "server.shutdown_timeout=3600"];
    let mut stalled = store.start_and_stall_at("claimed", &settings);
    let request = Repeatable::single("left");
    send_and_disconnect(&store, &stalled, &request);
    stalled.terminate();
    // The server accepts no more connections, and its workers end.
    wait_for("the listener to be closed", || TcpStream::connect(&stalled.address).err());
    assert!(stalled.is_running());
    store.resume();
    assert_eq!(stalled.wait().code(), Some(0), "{:?}", stalled.log());
    let other = store.start(&[]);
    let answer = request.answer(&other.api());
    assert_eq!(answer.header("idempotent-replayed"), Some("true"));
    request.assert_stored_once(&other.api(), &answer);
}
