use std::time::Duration;

use serde_json::json;

use super::callers::{Manners, Request, Tally, ratio, watch};
use super::{Bench, Figures};

/// Callers that keep the model busy without waiting long.
const PATIENT: usize = 64;
/// More callers than can be answered in their patience.
const MANY: usize = 512;
const PATIENCE: Duration = Duration::from_secs(1);
/// The tokens of each text, more or less.
const WORDS: usize = 120;

/// The rate of answers when clients wait, and when many more give up after a second and ask again.
pub(super) fn run(bench: &Bench) -> Figures {
    let load = |callers, patience| {
        let route = format!("{}/api/v1/predictions", bench.server.address());
        let manners = Manners { callers, patience, pause: Duration::ZERO };
        watch(bench.seconds, manners, move |number| {
            Request::Post(route.clone(), json!({ "text": text(number) }))
        })
    };
    let most: Tally = load(PATIENT, Duration::from_mins(1));
    let overloaded = load(MANY, PATIENCE);
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
