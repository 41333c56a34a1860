//! PostgreSQL fails behind a proxy, with or without closing its connections, and recovers; and the program ends while
//! PostgreSQL does not respond.

use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use testkit::{FaultProxy, ProxyMode};
use tokio::net::lookup_host;
use tokio::runtime::Runtime;

use crate::api::{Answer, Api, assert_same};
use crate::database::Database;
use crate::load::{Load, Sent};
use crate::undertone::{Event, Undertone, wait_for};

const CALLERS: usize = 16;

/// The program with a database behind a proxy, in the order in which they are dropped.
pub(crate) struct Proxied {
    pub(crate) running: Undertone,
    proxy: FaultProxy,
    runtime: Runtime,
    _folder: TempDir,
    _database: Database,
}

impl Proxied {
    pub(crate) fn start(settings: &[&str]) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let database = Database::create();
        let proxy = runtime.block_on(async {
            let target = lookup_host(database.server()).await.unwrap().next().expect("an address");
            FaultProxy::start(target).await
        });
        let folder = TempDir::new().unwrap();
        let store = database.url_through(&proxy.addr().to_string());
        let running = Undertone::start(folder.path(), &store, settings);
        Self { running, proxy, runtime, _folder: folder, _database: database }
    }

    pub(crate) fn set_mode(&self, mode: ProxyMode) {
        self.runtime.block_on(self.proxy.set_mode(mode));
    }
}

fn an_outage_is_survived(mode: ProxyMode) {
    let mut proxied = Proxied::start(&["store.timeout=2"]);
    let api = proxied.running.api();

    let load = Load::start(&api, CALLERS, |_| false);
    wait_for("some load", || (load.answered() > 50).then_some(()));
    proxied.set_mode(mode);
    wait_for("refusals", || is_store_problem(&api.predict("during the outage").ok()?).then_some(()));
    wait_for("the service to be not ready", || (!api.is_ready()).then_some(()));
    let read = api.get("/api/v1/predictions").unwrap();
    assert!(is_store_problem(&read), "{read:?}");
    assert_eq!(api.get("/health/live").unwrap().status, 200);

    proxied.set_mode(ProxyMode::Pass);
    wait_for("answers again", || {
        api.predict("after the outage").is_ok_and(|a| a.status == 200).then_some(())
    });
    wait_for("the service to be ready again", || api.is_ready().then_some(()));
    let sent = load.end();
    assert!(proxied.running.is_running());
    let is_refused = |one: &Sent| one.answer.as_ref().is_some_and(is_store_problem);
    assert!(sent.iter().any(is_refused), "no caller saw the outage");
    check_all(&api, &sent);
}

/// Asserts that every response was 200 or 503, and that acknowledged predictions are stored.
fn check_all(api: &Api, sent: &[Sent]) {
    for one in sent {
        let answer = one.answer.as_ref().unwrap_or_else(|| panic!("no answer at all to {:?}", one.text));
        assert!(answer.status == 200 || is_store_problem(answer), "{answer:?}");
    }
    for (answered, text) in sent.iter().filter_map(Sent::acknowledged) {
        assert_same(answered, &api.stored(answered["id"].as_str().expect("an id")), text);
    }
}

fn is_store_problem(answer: &Answer) -> bool {
    let known = ["type", "title", "status", "detail", "code", "request_id"];
    let fields = |body: &Value| {
        body.as_object().is_some_and(|all| all.keys().all(|key| known.contains(&key.as_str())))
    };
    answer.status == 503 && answer.body["code"] == "unavailable" && fields(&answer.body)
}

#[test]
fn cut_connections_are_survived() {
    an_outage_is_survived(ProxyMode::Cut);
}

#[test]
fn a_refusing_server_is_survived() {
    an_outage_is_survived(ProxyMode::Refuse);
}

#[test]
fn a_stalled_network_is_survived() {
    an_outage_is_survived(ProxyMode::Stall);
}

/// The limit for a database whose host fails without closing its connections, and whose successor accepts new ones.
const FULL_SERVICE_WITHIN: Duration = Duration::from_secs(15);

#[test]
fn a_silent_database_host_is_abandoned_for_its_successor() {
    let mut proxied = Proxied::start(&[]);
    let api = proxied.running.api();
    let load = Load::start(&api, CALLERS, |_| false);
    for round in 1..=2 {
        let answered = load.answered();
        wait_for("some load", || (load.answered() > answered + 50).then_some(()));
        assert_eq!(api.get("/api/v1/predictions").unwrap().status, 200);
        proxied.proxy.silence_existing();
        let silent_since = Instant::now();
        wait_for("full service", || serves(&api).then_some(()));
        assert!(silent_since.elapsed() < FULL_SERVICE_WITHIN, "{round}: {:?}", silent_since.elapsed());
    }
    let sent = load.end();
    assert!(proxied.running.is_running());
    check_all(&api, &sent);
}

/// Whether all routes respond as they should.
fn serves(api: &Api) -> bool {
    let is_200 = |answer: Result<Answer, ureq::Error>| answer.is_ok_and(|answer| answer.status == 200);
    is_200(api.predict("is everything back?"))
        && is_200(api.get("/api/v1/predictions"))
        && is_200(api.get("/health"))
        && api.is_ready()
}

/// Asserts that the program ends in time while its database does not respond.
fn ends_beside_a_silent_database(silence: fn(&Proxied), signal: fn(&Undertone), at_most: Duration) {
    let mut proxied = Proxied::start(&[]);
    let api = proxied.running.api();
    let load = Load::start(&api, CALLERS, |answer| answer.closes || answer.status != 200);
    wait_for("some load", || (load.answered() > 50).then_some(()));
    silence(&proxied);
    signal(&proxied.running);
    let signalled = Instant::now();
    let status = proxied.running.wait();
    assert!(signalled.elapsed() < at_most, "took {:?}", signalled.elapsed());
    assert_eq!(status.code(), Some(0));
    drop(load.end());
}

#[test]
fn sigterm_ends_the_program_in_time_despite_a_silent_database_host() {
    ends_beside_a_silent_database(
        |proxied| proxied.proxy.silence_existing(),
        Undertone::terminate,
        Duration::from_secs(30),
    );
}

#[test]
fn ctrl_c_ends_the_program_in_time_despite_a_stalled_network() {
    ends_beside_a_silent_database(
        |proxied| proxied.set_mode(ProxyMode::Stall),
        Undertone::interrupt,
        Duration::from_secs(20),
    );
}

/// The workers that serve requests end before the relay's last pass, with everything that they own.
#[test]
fn the_relay_can_use_its_connections_after_sigterm_under_reads() {
    let (database, folder) = (Database::create(), TempDir::new().unwrap());
    let settings = ["server.drain_delay=1", "store.relay_interval=3"];
    let mut running = Undertone::start(folder.path(), &database.url(), &settings);
    let api = running.api();
    let first = api.predict("the first of all").unwrap().body["id"].as_str().unwrap().to_owned();
    let readers: Vec<_> = (0..CALLERS)
        .map(|reader| {
            let api = api.another();
            let path = if reader % 2 == 0 {
                "/api/v1/predictions".to_owned()
            } else {
                format!("/api/v1/predictions/{first}")
            };
            std::thread::spawn(move || while api.get(&path).is_ok_and(|answer| !answer.closes) {})
        })
        .collect();
    let load = Load::start(&api, 4, |answer| answer.closes);
    wait_for("some load", || (load.answered() > 50).then_some(()));
    let logged = running.log().len();
    running.terminate();
    let sent = load.join();
    for reader in readers {
        reader.join().unwrap();
    }
    assert_eq!(running.wait().code(), Some(0));
    for (answered, _) in sent.iter().filter_map(Sent::acknowledged) {
        let is_its = |event: &Event| answered["id"] == event.prediction_id;
        wait_for("the event to be read", || running.events().iter().any(is_its).then_some(()));
    }
    assert!(trouble(&running.log()[logged..]).is_empty(), "{:?}", trouble(&running.log()[logged..]));
}

/// Returns the lines that an orderly end does not log. sqlx warns of slow statements, which a busy machine may cause.
fn trouble(log: &[Value]) -> Vec<&Value> {
    let is_trouble = |line: &&Value| {
        line["level"] == "ERROR" || (line["level"] == "WARN" && line["target"] != "sqlx::query")
    };
    log.iter().filter(is_trouble).collect()
}
