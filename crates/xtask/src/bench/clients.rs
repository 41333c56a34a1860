use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::Agent;
use ureq::http::Response;

use super::tally::Tally;

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
            let mut sum = Tally::of_load(end - group.started);
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
            Err(_) => tally.count_unanswered(),
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

/// Formats a ratio.
pub(crate) fn ratio(this: f64, that: f64) -> String {
    format!("{:.2}", this / that.max(1e-9))
}

#[cfg(test)]
mod tests {
    use super::*;

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
