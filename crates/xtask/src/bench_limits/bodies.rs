use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ureq::Agent;

use super::Bench;
use crate::bench::clients::{ClientSettings, Clients, Pace, Request};
use crate::bench::table::{Figures, megabytes};

/// The concurrent requests of each kind.
const AT_ONCE: usize = 10;
const BATCH_BYTES: usize = 8 << 20;
const SINGLE_BYTES: usize = 1 << 20;

/// Sends ten bodies of each kind at a time, and measures memory, the slowest response and probes meanwhile.
pub(super) fn run(bench: &Bench) -> Figures {
    let peak = bench.server.peak_memory();
    let ready = format!("{}/health/ready", bench.server.address());
    let settings = ClientSettings {
        clients: 1,
        timeout: Duration::from_secs(30),
        pace: Pace::Pause(Duration::from_millis(5)),
    };
    let probes = Clients::start(settings, move |_| Request::get(ready.clone()));
    let (mut slowest, mut statuses) = (Duration::ZERO, BTreeMap::new());
    for (route, body) in kinds() {
        let url = format!("{}/api/v1/predictions{route}", bench.server.address());
        for (status, time) in send_at_once(&url, &Arc::new(body)) {
            slowest = slowest.max(time);
            *statuses.entry(status).or_insert(0) += 1;
        }
    }
    let probes = probes.finish();
    let statuses: Vec<String> =
        statuses.iter().map(|(status, count)| format!("{count} × {status}")).collect();
    vec![
        ("most resident MB", megabytes(peak.bytes())),
        ("slowest answer to a costly body", format!("{} ms", slowest.as_millis())),
        ("answers to costly bodies", statuses.join(", ")),
        ("p99 of /health/ready meanwhile", probes.p99()),
        ("probes that failed", probes.faults()),
    ]
}

/// Returns routes and bodies that are expensive to parse: small on the wire and large in memory, or the reverse.
fn kinds() -> Vec<(&'static str, String)> {
    let nested = |bytes: usize| repeat_to(bytes / 2, r#"{"":"#) + "1" + &"}".repeat(bytes / 10);
    let objects = |bytes: usize| format!(r#"{{"items":[{}]}}"#, list(bytes, r#"{"":{"":1}}"#));
    let arrays = format!(r#"{{"items":[{}]}}"#, list(BATCH_BYTES, "[[]]"));
    let items = format!(r#"{{"items":[{}]}}"#, list(BATCH_BYTES, "{}"));
    let long_key = |bytes: usize| format!(r#"{{"{}":1}}"#, "k".repeat(bytes - 16));
    let metadata = format!(r#"{{"text":"x","metadata":{{{}}}}}"#, members(SINGLE_BYTES - 64));
    vec![
        ("/batch", objects(BATCH_BYTES)),
        ("/batch", arrays),
        ("/batch", items),
        ("/batch", nested(BATCH_BYTES)),
        ("/batch", long_key(BATCH_BYTES)),
        ("", objects(SINGLE_BYTES)),
        ("", nested(SINGLE_BYTES)),
        ("", long_key(SINGLE_BYTES)),
        ("", metadata),
    ]
}

fn repeat_to(bytes: usize, part: &str) -> String {
    part.repeat(bytes / part.len())
}

/// Joins as many elements with commas as fit into `bytes`.
fn list(bytes: usize, element: &str) -> String {
    let count = (bytes - 64) / (element.len() + 1);
    vec![element; count].join(",")
}

/// Returns distinct members of an object, in at most `bytes`.
fn members(bytes: usize) -> String {
    (0..bytes / 12).map(|number| format!(r#""{number:06}":1"#)).collect::<Vec<_>>().join(",")
}

/// Sends ten requests at once and returns the status and time of each response; status 0 without a response.
fn send_at_once(url: &str, body: &Arc<String>) -> Vec<(u16, Duration)> {
    let send = |_| {
        let (url, body) = (url.to_owned(), Arc::clone(body));
        thread::spawn(move || {
            let config = Agent::config_builder().http_status_as_error(false);
            let agent: Agent = config.timeout_global(Some(Duration::from_mins(1))).build().into();
            let started = Instant::now();
            let response = agent.post(&url).content_type("application/json").send(body.as_bytes());
            (response.map_or(0, |response| response.status().as_u16()), started.elapsed())
        })
    };
    let threads: Vec<_> = (0..AT_ONCE).map(send).collect();
    threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_at_most_as_large_as_allowed() {
        for (route, body) in kinds() {
            let most = if route.is_empty() { SINGLE_BYTES } else { BATCH_BYTES };
            assert!((most / 2..=most).contains(&body.len()), "{route} {}", body.len());
        }
    }
}
