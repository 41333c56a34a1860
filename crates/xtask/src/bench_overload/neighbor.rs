use std::time::Duration;

use serde_json::json;

use super::{Bench, tenants};
use crate::bench::clients::{ClientSettings, Clients, Pace, Request, run_clients};
use crate::bench::interval::median_and_interval;
use crate::bench::load::route;
use crate::bench::table::Figures;
use crate::bench::tally::Tally;

/// The requests per second that the noisy tenant may send.
const ALLOWED: u32 = 10;
/// How many times as many it sends.
const TIMES: f64 = 100.0;
const NOISY_CLIENTS: usize = 32;
/// The clients of the quiet tenant.
const QUIET_CLIENTS: usize = 16;
/// The share of the most answers per second that the quiet tenant asks for.
const SHARE: f64 = 0.3;
const TIMEOUT: Duration = Duration::from_mins(1);

/// Measures the 99th percentile of a tenant alone, beside one over its limit, and beside the same load on another
/// server: the clients, and the refusals themselves, use the same cores. The last two alternate.
pub(super) fn run(bench: &Bench<'_>) -> anyhow::Result<Figures> {
    let quiet_key = tenants::add(bench, "quiet", &[])?;
    let noisy = |bench: &Bench<'_>| tenants::add(bench, "noisy", &["--requests", &ALLOWED.to_string()]);
    let noisy_key = noisy(bench)?;
    let mut other = Bench { undertone: bench.undertone, server: bench.undertone.start()?, args: bench.args };
    let other_key = noisy(&other)?;
    let pairs = bench.args.pairs.max(1);
    let seconds = (bench.args.seconds / (3 * pairs as u64)).max(1);
    let closed =
        ClientSettings { clients: QUIET_CLIENTS, timeout: TIMEOUT, pace: Pace::Pause(Duration::ZERO) };
    let most = run_clients(seconds, closed, requests(bench, &quiet_key)).answers_per_second();
    let alone = || run_clients(seconds, fixed(QUIET_CLIENTS, most * SHARE), requests(bench, &quiet_key));
    let beside = |noisy: &Bench<'_>, key: &str| {
        let rate = f64::from(ALLOWED) * TIMES;
        let clients = Clients::start(fixed(NOISY_CLIENTS, rate), requests(noisy, key));
        let tally = alone();
        (tally, clients.finish())
    };
    let (mut of_alone, mut of_other, mut of_beside) = (Vec::new(), Vec::new(), Vec::new());
    let (mut ratios, mut noisy) = (Vec::new(), Tally::default());
    for pair in 0..pairs {
        of_alone.push(p99(&alone()));
        let first = (pair % 2 == 0).then(|| beside(&other, &other_key).0);
        let (here, refused) = beside(bench, &noisy_key);
        let elsewhere = first.unwrap_or_else(|| beside(&other, &other_key).0);
        of_other.push(p99(&elsewhere));
        of_beside.push(p99(&here));
        ratios.push(p99(&here) / p99(&elsewhere).max(1e-9));
        noisy = refused;
    }
    other.server.ensure_running()?;
    let (ratio, from, to) = median_and_interval(&mut ratios);
    let median = |values: &mut Vec<f64>| format!("{:.2}", median_and_interval(values).0);
    Ok(vec![
        ("requests/s of the quiet tenant", format!("{:.0}", most * SHARE)),
        ("p99 ms of the quiet tenant alone", median(&mut of_alone)),
        ("p99 ms beside its load on another server", median(&mut of_other)),
        ("p99 ms beside the noisy tenant", median(&mut of_beside)),
        ("ratio of the last two, median and 95 % interval", format!("{ratio:.2} ({from:.2}–{to:.2})")),
        ("requests/s of the noisy tenant", format!("{:.0}", noisy.requests_per_second())),
        ("accepted/s of them", format!("{:.1}", noisy.answers_per_second())),
    ])
}

/// The 99th percentile in milliseconds.
fn p99(tally: &Tally) -> f64 {
    tally.percentile(0.99) as f64 / 1e3
}

fn fixed(clients: usize, per_second: f64) -> ClientSettings {
    ClientSettings { clients, timeout: TIMEOUT, pace: Pace::Fixed { per_second, honors_retry_after: false } }
}

fn requests(bench: &Bench<'_>, key: &str) -> impl Fn(u64) -> Request + Send + Sync + 'static {
    let (route, key) = (route(bench.server.address()), key.to_owned());
    move |number| {
        let text = format!("Order {number} came late, and it was cold");
        Request::post(route.clone(), json!({ "text": text })).with_key(&key)
    }
}
