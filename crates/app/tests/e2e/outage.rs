//! PostgreSQL goes away and comes back, by way of a proxy that cuts, refuses and stalls.

use serde_json::Value;
use tempfile::TempDir;
use testkit::{FaultProxy, ProxyMode};
use tokio::net::lookup_host;

use crate::api::{Answer, Api, assert_same};
use crate::database::Database;
use crate::load::{Load, Sent};
use crate::undertone::{Undertone, wait_for};

const CALLERS: usize = 16;

fn an_outage_is_survived(mode: ProxyMode) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let database = Database::create();
    let proxy = runtime.block_on(async {
        let target = lookup_host(database.server()).await.unwrap().next().expect("an address");
        FaultProxy::start(target).await
    });
    let folder = TempDir::new().unwrap();
    let store = database.url_through(&proxy.addr().to_string());
    let mut running = Undertone::start(folder.path(), &store, &["store.timeout=2"]);
    let api = running.api();

    let load = Load::start(&api, CALLERS, |_| false);
    wait_for("some load", || (load.answered() > 50).then_some(()));
    runtime.block_on(proxy.set_mode(mode));
    wait_for("refusals", || is_store_problem(&api.predict("during the outage").ok()?).then_some(()));
    wait_for("the service to be not ready", || (!api.is_ready()).then_some(()));
    let read = api.get("/api/v1/predictions").unwrap();
    assert!(is_store_problem(&read), "{read:?}");
    assert_eq!(api.get("/health/live").unwrap().status, 200);

    runtime.block_on(proxy.set_mode(ProxyMode::Pass));
    wait_for("answers again", || {
        api.predict("after the outage").is_ok_and(|a| a.status == 200).then_some(())
    });
    wait_for("the service to be ready again", || api.is_ready().then_some(()));
    let sent = load.end();
    assert!(running.is_running());
    check_all(&api, &sent);
}

/// Every answer was 200 or an honest 503, and what was acknowledged is there.
fn check_all(api: &Api, sent: &[Sent]) {
    for one in sent {
        let answer = one.answer.as_ref().unwrap_or_else(|| panic!("no answer at all to {:?}", one.text));
        assert!(answer.status == 200 || is_store_problem(answer), "{answer:?}");
    }
    assert!(
        sent.iter().any(|one| one.answer.as_ref().is_some_and(is_store_problem)),
        "no caller saw the outage"
    );
    for (answered, text) in sent.iter().filter_map(Sent::acknowledged) {
        assert_same(answered, &api.kept(answered["id"].as_str().expect("an id")), text);
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
fn connections_that_are_cut_are_survived() {
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
