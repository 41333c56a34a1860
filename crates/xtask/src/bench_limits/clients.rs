use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::Agent;

use crate::bench::table::millis;

/// Clients that each send one request after another until they are stopped.
#[derive(Debug)]
pub(super) struct Clients {
    end: Arc<AtomicBool>,
    started: Instant,
    threads: Vec<JoinHandle<Tally>>,
}

/// The number of clients and their behavior.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClientSettings {
    pub(super) clients: usize,
    /// How long each waits for a response before it closes the connection.
    pub(super) timeout: Duration,
    /// How long each waits between two requests.
    pub(super) pause: Duration,
}

/// The responses that clients received.
#[derive(Debug, Default, Clone)]
pub(super) struct Tally {
    /// Microseconds from a request to its response of status 2xx, in ascending order once all clients have ended.
    micros: Vec<u64>,
    /// Responses by status.
    statuses: BTreeMap<u16, u64>,
    /// Requests that timed out, or whose connection failed.
    unanswered: u64,
    elapsed: Duration,
}

/// The number of the next request of this process: each is different, so that no text is sent twice.
static REQUESTS: AtomicU64 = AtomicU64::new(0);

/// One request.
pub(super) enum Request {
    Get(String),
    Post(String, Value),
}

impl Clients {
    /// Starts clients whose n-th request in this process is `request(n)`.
    pub(super) fn start(
        settings: ClientSettings,
        request: impl Fn(u64) -> Request + Send + Sync + 'static,
    ) -> Self {
        let (end, request) = (Arc::new(AtomicBool::new(false)), Arc::new(request));
        let threads = (0..settings.clients).map(|_| {
            let (end, request) = (Arc::clone(&end), Arc::clone(&request));
            thread::spawn(move || call(settings, &end, request.as_ref()))
        });
        Self { threads: threads.collect(), end, started: Instant::now() }
    }

    /// Stops the clients and sums up their responses.
    pub(super) fn finish(self) -> Tally {
        self.end.store(true, Ordering::Relaxed);
        let elapsed = self.started.elapsed();
        let mut sum = Tally { elapsed, ..Tally::default() };
        for tally in self.threads.into_iter().filter_map(|thread| thread.join().ok()) {
            sum.micros.extend(tally.micros);
            sum.unanswered += tally.unanswered;
            for (status, count) in tally.statuses {
                *sum.statuses.entry(status).or_default() += count;
            }
        }
        sum.micros.sort_unstable();
        sum
    }
}

/// Runs clients for `seconds`.
pub(super) fn run_clients(
    seconds: u64,
    settings: ClientSettings,
    request: impl Fn(u64) -> Request + Send + Sync + 'static,
) -> Tally {
    let clients = Clients::start(settings, request);
    wait(Duration::from_secs(seconds));
    clients.finish()
}

/// Waits, while clients send requests.
pub(super) fn wait(time: Duration) {
    #[expect(clippy::disallowed_methods, reason = "the load runs for a given time")]
    thread::sleep(time);
}

fn call(
    settings: ClientSettings,
    end: &AtomicBool,
    request: &(dyn Fn(u64) -> Request + Send + Sync),
) -> Tally {
    let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(settings.timeout));
    let agent: Agent = config.build().into();
    let mut tally = Tally::default();
    while !end.load(Ordering::Relaxed) {
        let request = request(REQUESTS.fetch_add(1, Ordering::Relaxed));
        let started = Instant::now();
        let response = match &request {
            Request::Get(url) => agent.get(url).call(),
            Request::Post(url, body) => agent.post(url).send_json(body),
        };
        let read = response.and_then(|mut response| {
            let status = response.status().as_u16();
            response.body_mut().read_to_vec().map(|_| status)
        });
        match read {
            Ok(status) => {
                *tally.statuses.entry(status).or_default() += 1;
                if status < 300 {
                    tally.micros.push(u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX));
                }
            }
            Err(_) => tally.unanswered += 1,
        }
        if !settings.pause.is_zero() {
            wait(settings.pause);
        }
    }
    tally
}

impl Tally {
    /// Returns the responses of status 2xx per second.
    pub(super) fn answers_per_second(&self) -> f64 {
        self.micros.len() as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// Returns the time in microseconds within which this share of the responses of status 2xx came; 0 without any.
    pub(super) fn percentile(&self, share: f64) -> u64 {
        let last = self.micros.len().saturating_sub(1);
        self.micros.get((last as f64 * share).round() as usize).copied().unwrap_or(0)
    }

    /// Formats the 99th percentile in milliseconds.
    pub(super) fn p99(&self) -> String {
        format!("{} ms", millis(self.percentile(0.99)))
    }

    /// Returns the number of responses with a status.
    pub(super) fn count(&self, status: u16) -> u64 {
        self.statuses.get(&status).copied().unwrap_or(0)
    }

    /// Describes everything except responses of status 2xx.
    pub(super) fn faults(&self) -> String {
        let bad = self.statuses.iter().filter(|(status, _)| **status >= 300);
        let mut faults: Vec<String> = bad.map(|(status, count)| format!("{count} × {status}")).collect();
        if self.unanswered > 0 {
            faults.push(format!("{} unanswered", self.unanswered));
        }
        if faults.is_empty() { "none".to_owned() } else { faults.join(", ") }
    }
}

/// Formats a ratio.
pub(super) fn ratio(this: f64, that: f64) -> String {
    format!("{:.2}", this / that.max(1e-9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_has_percentiles_and_faults() {
        let tally = Tally {
            micros: (1..=100).collect(),
            statuses: BTreeMap::from([(200, 100), (503, 3)]),
            unanswered: 2,
            elapsed: Duration::from_secs(10),
        };
        assert_eq!((tally.percentile(0.5), tally.percentile(0.99)), (51, 99));
        assert!((tally.answers_per_second() - 10.0).abs() < 1e-9);
        assert_eq!(tally.faults(), "3 × 503, 2 unanswered");
        assert_eq!((tally.count(503), tally.count(404)), (3, 0));
        assert_eq!(Tally::default().faults(), "none");
        assert_eq!(Tally::default().percentile(0.99), 0);
    }
}
