use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::Agent;
use ureq::http::Response;

use super::table::millis;

/// Clients that each send one request after another until they are stopped.
#[derive(Debug)]
pub(crate) struct Clients {
    end: Arc<AtomicBool>,
    started: Instant,
    threads: Vec<JoinHandle<Tally>>,
}

/// The number of clients and their behavior.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClientSettings {
    pub(crate) clients: usize,
    /// How long each waits for a response before it closes the connection.
    pub(crate) timeout: Duration,
    pub(crate) pace: Pace,
}

/// When a client sends its next request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// So long after the response.
    Pause(Duration),
    /// At fixed times, whatever the responses, or at once where the response came later: so many requests per second
    /// of all clients together.
    Fixed {
        per_second: f64,
        /// Whether a refused client waits as long as the `Retry-After` of the response says.
        honors_retry_after: bool,
    },
}

/// The responses that clients received.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally {
    /// Microseconds from a request to its response of status 2xx, in ascending order once all clients have ended.
    micros: Vec<u64>,
    /// The same of the responses of any other status.
    refused_micros: Vec<u64>,
    /// Responses by status.
    statuses: BTreeMap<u16, u64>,
    /// Requests that timed out, or whose connection failed.
    unanswered: u64,
    /// The responses of status 2xx that came after the end of the load.
    late: u64,
    elapsed: Duration,
}

/// The number of the next request of this process: each is different, so that no text is sent twice.
static REQUESTS: AtomicU64 = AtomicU64::new(0);

/// One request.
pub(crate) struct Request {
    url: String,
    /// None for a GET.
    body: Option<Value>,
    headers: Vec<(&'static str, String)>,
}

impl Request {
    pub(crate) fn get(url: String) -> Self {
        Self { url, body: None, headers: Vec::new() }
    }

    pub(crate) fn post(url: String, body: Value) -> Self {
        Self { url, body: Some(body), headers: Vec::new() }
    }

    /// Returns this request with a header.
    pub(crate) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Returns this request with an API key.
    pub(crate) fn with_key(self, key: &str) -> Self {
        self.with("authorization", format!("Bearer {key}"))
    }

    fn send(self, agent: &Agent) -> Result<Response<ureq::Body>, ureq::Error> {
        let Self { url, body, headers } = self;
        match body {
            None => {
                headers.into_iter().fold(agent.get(url), |it, (name, value)| it.header(name, value)).call()
            }
            Some(body) => {
                let request = agent.post(url);
                headers.into_iter().fold(request, |it, (name, value)| it.header(name, value)).send_json(body)
            }
        }
    }
}

impl Clients {
    /// Starts clients whose n-th request in this process is `request(n)`.
    pub(crate) fn start(
        settings: ClientSettings,
        request: impl Fn(u64) -> Request + Send + Sync + 'static,
    ) -> Self {
        let (end, request, started) = (Arc::new(AtomicBool::new(false)), Arc::new(request), Instant::now());
        let threads = (0..settings.clients).map(|client| {
            let (end, request) = (Arc::clone(&end), Arc::clone(&request));
            let schedule = Schedule::new(settings, client, started);
            thread::spawn(move || call(settings.timeout, schedule, &end, request.as_ref()))
        });
        Self { threads: threads.collect(), end, started }
    }

    /// Stops the clients and sums up their responses.
    pub(crate) fn finish(self) -> Tally {
        let [tally] = Self::finish_all([self]);
        tally
    }

    /// Stops several groups of clients at the same time and sums up the responses of each.
    pub(crate) fn finish_all<const GROUPS: usize>(groups: [Self; GROUPS]) -> [Tally; GROUPS] {
        for group in &groups {
            group.end.store(true, Ordering::Relaxed);
        }
        let end = Instant::now();
        groups.map(|group| {
            let mut sum = Tally { elapsed: end - group.started, ..Tally::default() };
            for tally in group.threads.into_iter().filter_map(|thread| thread.join().ok()) {
                sum.add(tally);
            }
            sum
        })
    }
}

/// Runs clients for `seconds`.
pub(crate) fn run_clients(
    seconds: u64,
    settings: ClientSettings,
    request: impl Fn(u64) -> Request + Send + Sync + 'static,
) -> Tally {
    let clients = Clients::start(settings, request);
    wait(Duration::from_secs(seconds));
    clients.finish()
}

/// Waits, while clients send requests.
pub(crate) fn wait(time: Duration) {
    #[expect(clippy::disallowed_methods, reason = "the load runs for a given time")]
    thread::sleep(time);
}

/// When one client sends its requests.
struct Schedule {
    pace: Pace,
    started: Instant,
    /// The time between two requests at a fixed pace.
    interval: Duration,
    /// When the next request is due, from the start.
    due: Duration,
}

impl Schedule {
    /// Clients with a fixed pace take turns.
    fn new(settings: ClientSettings, client: usize, started: Instant) -> Self {
        let interval = match settings.pace {
            Pace::Pause(_) => Duration::ZERO,
            Pace::Fixed { per_second, .. } => Duration::from_secs_f64(settings.clients as f64 / per_second),
        };
        let due = interval.mul_f64(client as f64 / settings.clients as f64);
        Self { pace: settings.pace, started, interval, due }
    }

    fn wait(&self) {
        let remaining = self.due.saturating_sub(self.started.elapsed());
        if !remaining.is_zero() {
            wait(remaining);
        }
    }

    /// Chooses the time of the next request, after a response with this `Retry-After`, if it had one.
    fn advance(&mut self, retry_after: Option<Duration>) {
        let now = self.started.elapsed();
        match self.pace {
            Pace::Pause(pause) => self.due = now + pause,
            Pace::Fixed { honors_retry_after, .. } => {
                self.due += self.interval;
                if let Some(wait) = retry_after.filter(|_| honors_retry_after) {
                    self.due = self.due.max(now + wait);
                }
            }
        }
    }
}

fn call(
    timeout: Duration,
    mut schedule: Schedule,
    end: &AtomicBool,
    request: &(dyn Fn(u64) -> Request + Send + Sync),
) -> Tally {
    let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(timeout));
    let agent: Agent = config.proxy(None).build().into();
    let mut tally = Tally::default();
    schedule.wait();
    while !end.load(Ordering::Relaxed) {
        let request = request(REQUESTS.fetch_add(1, Ordering::Relaxed));
        let started = Instant::now();
        let read = request.send(&agent).and_then(|mut response| {
            response.body_mut().read_to_vec()?;
            Ok(response)
        });
        let is_late = end.load(Ordering::Relaxed);
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        match &read {
            Ok(response) => tally.count_response(response.status().as_u16(), micros, is_late),
            Err(_) => tally.unanswered += 1,
        }
        schedule.advance(read.ok().as_ref().and_then(retry_after));
        schedule.wait();
    }
    tally
}

/// Returns the `Retry-After` of a response, in seconds.
fn retry_after<B>(response: &Response<B>) -> Option<Duration> {
    let seconds = response.headers().get("retry-after")?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

impl Tally {
    fn count_response(&mut self, status: u16, micros: u64, is_late: bool) {
        *self.statuses.entry(status).or_default() += 1;
        if status < 300 {
            self.micros.push(micros);
            self.late += u64::from(is_late);
        } else {
            self.refused_micros.push(micros);
        }
    }

    /// Adds the responses that other clients received in the same time.
    pub(crate) fn add(&mut self, other: Self) {
        self.micros.extend(other.micros);
        self.micros.sort_unstable();
        self.refused_micros.extend(other.refused_micros);
        self.refused_micros.sort_unstable();
        self.unanswered += other.unanswered;
        self.late += other.late;
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        self.elapsed = self.elapsed.max(other.elapsed);
    }

    /// Returns how long the clients sent requests.
    pub(crate) fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// Returns the responses of status 2xx.
    pub(crate) fn answers(&self) -> u64 {
        self.micros.len() as u64
    }

    /// Returns the responses of status 2xx per second, until the end of the load.
    pub(crate) fn answers_per_second(&self) -> f64 {
        self.per_second(self.answers() - self.late)
    }

    /// Returns the requests per second, answered or not.
    pub(crate) fn requests_per_second(&self) -> f64 {
        self.per_second(self.statuses.values().sum::<u64>() + self.unanswered)
    }

    fn per_second(&self, count: u64) -> f64 {
        count as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// Returns the time in microseconds within which this share of the responses of status 2xx came; 0 without any.
    pub(crate) fn percentile(&self, share: f64) -> u64 {
        percentile(&self.micros, share)
    }

    /// Returns the same of the responses of any other status.
    pub(crate) fn percentile_of_refused(&self, share: f64) -> u64 {
        percentile(&self.refused_micros, share)
    }

    /// Formats the 99th percentile in milliseconds.
    pub(crate) fn p99(&self) -> String {
        format!("{} ms", millis(self.percentile(0.99)))
    }

    /// Returns the number of responses with a status.
    pub(crate) fn count(&self, status: u16) -> u64 {
        self.statuses.get(&status).copied().unwrap_or(0)
    }

    /// Describes everything except responses of status 2xx.
    pub(crate) fn faults(&self) -> String {
        let bad = self.statuses.iter().filter(|(status, _)| **status >= 300);
        let mut faults: Vec<String> = bad.map(|(status, count)| format!("{count} × {status}")).collect();
        if self.unanswered > 0 {
            faults.push(format!("{} unanswered", self.unanswered));
        }
        if faults.is_empty() { "none".to_owned() } else { faults.join(", ") }
    }
}

/// Returns the value of the sorted `values` below which this share of them is.
fn percentile(values: &[u64], share: f64) -> u64 {
    let last = values.len().saturating_sub(1);
    values.get((last as f64 * share).round() as usize).copied().unwrap_or(0)
}

/// Formats a ratio.
pub(crate) fn ratio(this: f64, that: f64) -> String {
    format!("{:.2}", this / that.max(1e-9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_has_percentiles_and_faults() {
        let tally = Tally {
            micros: (1..=100).collect(),
            refused_micros: vec![7, 8, 9],
            statuses: BTreeMap::from([(200, 100), (503, 3)]),
            unanswered: 2,
            late: 10,
            elapsed: Duration::from_secs(10),
        };
        assert_eq!((tally.percentile(0.5), tally.percentile(0.99)), (51, 99));
        assert_eq!(tally.percentile_of_refused(0.5), 8);
        assert!((tally.answers_per_second() - 9.0).abs() < 1e-9);
        assert!((tally.requests_per_second() - 10.5).abs() < 1e-9);
        assert_eq!(tally.faults(), "3 × 503, 2 unanswered");
        assert_eq!((tally.count(503), tally.count(404)), (3, 0));
        assert_eq!(Tally::default().faults(), "none");
        assert_eq!(Tally::default().percentile(0.99), 0);
        let mut both = tally.clone();
        both.add(tally);
        assert_eq!((both.answers(), both.percentile(0.5), both.count(503)), (200, 51, 6));
    }

    #[test]
    fn a_client_that_honors_retry_after_misses_its_turns() {
        let pace = |honors_retry_after| Pace::Fixed { per_second: 10.0, honors_retry_after };
        let schedule = |pace| {
            Schedule::new(ClientSettings { clients: 2, timeout: Duration::ZERO, pace }, 1, Instant::now())
        };
        let [mut patient, mut stubborn] = [true, false].map(|honors| schedule(pace(honors)));
        assert_eq!(patient.due, Duration::from_millis(100));
        let wait = Some(Duration::from_mins(1));
        patient.advance(wait);
        stubborn.advance(wait);
        assert!(patient.due >= Duration::from_mins(1), "{:?}", patient.due);
        assert_eq!(stubborn.due, Duration::from_millis(300));
    }
}
