use std::time::Duration;

use serde_json::json;

use super::{Bench, tenants};
use crate::bench::clients::{ClientSettings, Clients, Pace, Request, Tally, run_clients};
use crate::bench::interval::median_and_interval;
use crate::bench::load::route;
use crate::bench::table::Figures;

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

/// Measures the 99th percentile of a tenant alone and beside one over its limit, in pairs that alternate.
pub(super) fn run(bench: &Bench<'_>) -> anyhow::Result<Figures> {
    let quiet_key = tenants::add(bench, "quiet", &[])?;
    let noisy_key = tenants::add(bench, "noisy", &["--requests", &ALLOWED.to_string()])?;
    let pairs = bench.args.pairs.max(1);
    let seconds = (bench.args.seconds / (2 * pairs as u64)).max(1);
    let closed =
        ClientSettings { clients: QUIET_CLIENTS, timeout: TIMEOUT, pace: Pace::Pause(Duration::ZERO) };
    let most = run_clients(seconds, closed, requests(bench, &quiet_key)).answers_per_second();
    let alone = || run_clients(seconds, fixed(QUIET_CLIENTS, most * SHARE), requests(bench, &quiet_key));
    let mut noisy = Tally::default();
    let mut beside = || {
        let rate = f64::from(ALLOWED) * TIMES;
        let clients = Clients::start(fixed(NOISY_CLIENTS, rate), requests(bench, &noisy_key));
        let tally = alone();
        noisy = clients.finish();
        tally
    };
    let (mut of_alone, mut of_beside, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for pair in 0..pairs {
        let (one, two) = if pair % 2 == 0 {
            let one = alone();
            (one, beside())
        } else {
            let two = beside();
            (alone(), two)
        };
        let [one, two] = [one, two].map(|tally| tally.percentile(0.99) as f64 / 1e3);
        of_alone.push(one);
        of_beside.push(two);
        ratios.push(two / one.max(1e-9));
    }
    let (ratio, from, to) = median_and_interval(&mut ratios);
    let median = |values: &mut Vec<f64>| format!("{:.2}", median_and_interval(values).0);
    Ok(vec![
        ("requests/s of the quiet tenant", format!("{:.0}", most * SHARE)),
        ("p99 ms of the quiet tenant alone", median(&mut of_alone)),
        ("p99 ms beside the noisy tenant", median(&mut of_beside)),
        ("ratio, median and 95 % interval", format!("{ratio:.2} ({from:.2}–{to:.2})")),
        ("requests/s of the noisy tenant", format!("{:.0}", noisy.requests_per_second())),
        ("accepted/s of them", format!("{:.1}", noisy.answers_per_second())),
    ])
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
