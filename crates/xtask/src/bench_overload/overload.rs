use std::time::Duration;

use serde_json::json;

use super::Bench;
use crate::bench::clients::{ClientSettings, Clients, Pace, Request, ratio, run_clients, wait};
use crate::bench::load::route;
use crate::bench::table::{Figures, millis};
use crate::bench::tally::Tally;

/// Enough clients to use the model fully.
const ENOUGH: usize = 64;
/// How many times the capacity is sent.
const TIMES: f64 = 3.0;
/// Longer than the deadline of a request.
const TIMEOUT: Duration = Duration::from_mins(2);
/// The words of each text, about as many tokens: long enough that the clients need little of the processor.
const WORDS: usize = 120;

/// Measures the most answers, then sends three times as many requests.
pub(super) fn run(bench: &Bench<'_>) -> Figures {
    let seconds = bench.args.seconds;
    let request = |bench: &Bench<'_>| {
        let route = route(bench.server.address());
        move |number| Request::post(route.clone(), json!({ "text": text(number) }))
    };
    let closed = ClientSettings { clients: ENOUGH, timeout: TIMEOUT, pace: Pace::Pause(Duration::ZERO) };
    // The server measures the speed of its model first.
    run_clients(seconds.div_ceil(10), closed, request(bench));
    let most = run_clients(seconds.div_ceil(4), closed, request(bench)).answers_per_second();
    let half = |honors_retry_after| {
        let pace = Pace::Fixed { per_second: most * TIMES / 2.0, honors_retry_after };
        let clients = bench.args.clients.div_ceil(2);
        Clients::start(ClientSettings { clients, timeout: TIMEOUT, pace }, request(bench))
    };
    let (patient, stubborn) = (half(true), half(false));
    wait(Duration::from_secs(seconds));
    let [patient, stubborn] = Clients::finish_all([patient, stubborn]);
    let mut all = patient.clone();
    all.add(stubborn.clone());
    figures(most, &all, [&patient, &stubborn])
}

fn figures(most: f64, all: &Tally, [patient, stubborn]: [&Tally; 2]) -> Figures {
    let times = |of: &dyn Fn(f64) -> u64| [0.5, 0.99, 1.0].map(|share| millis(of(share))).join(", ");
    let rate = |tally: &Tally| format!("{:.0}", tally.answers_per_second());
    vec![
        ("most answers/s, 64 clients", format!("{most:.0}")),
        ("requests/s sent", format!("{:.0}", all.requests_per_second())),
        ("accepted/s", rate(all)),
        ("share of the most", ratio(all.answers_per_second(), most)),
        ("ms to answer: p50, p99, most", times(&|share| all.percentile(share))),
        ("ms to refuse: p50, p99, most", times(&|share| all.percentile_of_refused(share))),
        ("refused", all.faults()),
        ("accepted/s of clients that honor Retry-After", rate(patient)),
        ("accepted/s of those that ignore it", rate(stubborn)),
    ]
}

fn text(number: u64) -> String {
    let words = ["the", "service", "was", "good", "and", "the", "food", "bad"];
    let words = words.iter().cycle().take(WORDS).copied().collect::<Vec<_>>().join(" ");
    format!("{number} {words}")
}
