use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};

use super::Bench;
use crate::bench::clients::{ClientSettings, Clients, Pace, Request, wait};
use crate::bench::table::Figures;
use crate::bench::tally::Tally;
use crate::bench::undertone::Undertone;
use crate::seed::{self, SeedArgs};
use crate::workspace::Workspace;

const SCANNING: usize = 16;

/// Measures reads by id, writes and probes beside lists that match nothing and therefore read everything.
pub(super) fn run(workspace: &Workspace, undertone: &Undertone, bench: &Bench) -> anyhow::Result<Figures> {
    if bench.rows > 0 {
        seed::run(workspace, &SeedArgs::rows_in(bench.rows, undertone.store_of(&bench.server)))?;
    }
    let server = bench.server.address().to_owned();
    let id = any_id(&server)?;
    let start = |clients, pause, request: Box<dyn Fn(u64) -> Request + Send + Sync>| {
        Clients::start(
            ClientSettings { clients, timeout: Duration::from_mins(1), pace: Pace::Pause(pause) },
            request,
        )
    };
    let base = format!("{server}/api/v1/predictions");
    let scan = format!("{base}?model=no-such-model&limit=100");
    let lists = start(SCANNING, Duration::ZERO, Box::new(move |_| Request::get(scan.clone())));
    let by_id = format!("{base}/{id}");
    let finds = start(1, Duration::from_millis(10), Box::new(move |_| Request::get(by_id.clone())));
    let ready = format!("{server}/health/ready");
    let probes = start(1, Duration::from_millis(50), Box::new(move |_| Request::get(ready.clone())));
    let health = format!("{server}/health");
    let health = start(1, Duration::from_millis(50), Box::new(move |_| Request::get(health.clone())));
    let post =
        move |number| Request::post(base.clone(), json!({ "text": format!("Written meanwhile {number}") }));
    let writes = start(2, Duration::from_millis(10), Box::new(post));
    wait(Duration::from_secs(bench.seconds));
    let [lists, finds, probes, health, writes] = [lists, finds, probes, health, writes].map(Clients::finish);
    Ok(figures(bench.rows, &lists, [&finds, &probes, &health, &writes]))
}

fn figures(rows: u64, lists: &Tally, [finds, probes, health, writes]: [&Tally; 4]) -> Figures {
    vec![
        ("rows added", rows.to_string()),
        ("lists answered", format!("{}; besides: {}", lists.count(200), lists.faults())),
        ("p99 of GET by id", finds.p99()),
        ("faults of GET by id", finds.faults()),
        ("p99 of POST", writes.p99()),
        ("POST answered", format!("{}; besides: {}", writes.count(200), writes.faults())),
        ("/health/ready", format!("{} × 200; besides: {}", probes.count(200), probes.faults())),
        ("/health", format!("{} × 200; besides: {}", health.count(200), health.faults())),
    ]
}

/// Returns the id of one of the newest rows.
fn any_id(server: &str) -> anyhow::Result<String> {
    let mut page = ureq::get(format!("{server}/api/v1/predictions?limit=100")).call()?;
    let page: Value = serde_json::from_str(&page.body_mut().read_to_string()?)?;
    let last = page["items"].as_array().and_then(|items| items.last());
    Ok(last.and_then(|item| item["id"].as_str()).context("the history is empty")?.to_owned())
}
