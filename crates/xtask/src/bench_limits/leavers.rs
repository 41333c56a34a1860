use std::time::Duration;

use serde_json::json;

use super::Bench;
use crate::bench::clients::{ClientSettings, Pace, Request, ratio, run_clients};
use crate::bench::table::Figures;
use crate::bench::tally::Tally;

/// Enough clients to use the model fully.
const PATIENT: usize = 64;
/// More clients than the model can serve within [`TIMEOUT`].
const MANY: usize = 512;
const TIMEOUT: Duration = Duration::from_secs(1);
/// The words of each text: about as many tokens.
const WORDS: usize = 120;

/// Measures the rate of responses to clients that wait, and to many more that disconnect after a second and retry.
pub(super) fn run(bench: &Bench) -> Figures {
    let load = |clients, timeout| {
        let route = format!("{}/api/v1/predictions", bench.server.address());
        let settings = ClientSettings { clients, timeout, pace: Pace::Pause(Duration::ZERO) };
        run_clients(bench.seconds, settings, move |number| {
            Request::post(route.clone(), json!({ "text": text(number) }))
        })
    };
    let most: Tally = load(PATIENT, Duration::from_mins(1));
    let overloaded = load(MANY, TIMEOUT);
    let (best, rate) = (most.answers_per_second(), overloaded.answers_per_second());
    vec![
        ("answers/s, 64 patient clients", format!("{best:.0}")),
        ("answers/s, 512 clients that leave after 1 s", format!("{rate:.0}")),
        ("share of the maximum", ratio(rate, best)),
        ("what they saw besides", overloaded.faults()),
    ]
}

fn text(number: u64) -> String {
    let words = ["the", "service", "was", "good", "and", "the", "food", "bad"];
    let words = words.iter().cycle().take(WORDS).copied().collect::<Vec<_>>().join(" ");
    format!("{number} {words}")
}
