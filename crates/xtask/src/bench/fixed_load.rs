use std::fs;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::json;

use super::clients::{ClientSettings, Pace, Request, run_clients};
use super::corpus::Corpus;
use super::load::route;
use super::server::Server;

/// Clients that send texts at fixed times, whatever the responses: the server's load is the same in each measurement.
pub(crate) struct FixedLoad {
    corpus: Arc<Corpus>,
    /// Requests per second.
    rate: f64,
    seconds: u64,
}

/// What each request has beside its text.
#[derive(Debug, Clone, Default)]
pub(crate) struct RequestHeaders {
    pub(crate) api_key: Option<String>,
    /// Whether it has an idempotency key of its own.
    pub(crate) idempotent: bool,
}

/// The connections that share the load.
const CLIENTS: usize = 16;
/// The longest that a response may take.
const TIMEOUT: Duration = Duration::from_mins(1);
/// The number of the first text: those before were sent to find the rate.
const FIRST: u64 = 1 << 32;

/// The unit of the times in `/proc/PID/stat`, which Linux fixes at a hundredth of a second.
const TICK_MS: f64 = 10.0;

impl FixedLoad {
    pub(crate) fn new(corpus: Corpus, rate: f64, seconds: u64) -> Self {
        Self { corpus: Arc::new(corpus), rate, seconds }
    }

    /// Sends the load and returns the CPU time of the server's process, user and system, for each answer in
    /// milliseconds.
    ///
    /// # Errors
    /// A response that is no answer.
    pub(crate) fn cpu_millis_per_answer(
        &self,
        server: &Server,
        headers: &RequestHeaders,
    ) -> anyhow::Result<f64> {
        let before = cpu_ticks(server.process())?;
        let pace = Pace::Fixed { per_second: self.rate, honors_retry_after: false };
        let (corpus, route, headers) = (Arc::clone(&self.corpus), route(server.address()), headers.clone());
        let settings = ClientSettings { clients: CLIENTS, timeout: TIMEOUT, pace };
        let tally = run_clients(self.seconds, settings, move |number| {
            let body = json!({ "text": corpus.text(FIRST + number) });
            headers.add_to(Request::post(route.clone(), body), number)
        });
        ensure!(tally.answers() > 0 && tally.faults() == "none", "{}", tally.faults());
        Ok((cpu_ticks(server.process())? - before) * TICK_MS / tally.answers() as f64)
    }
}

impl RequestHeaders {
    fn add_to(&self, mut request: Request, number: u64) -> Request {
        if let Some(key) = &self.api_key {
            request = request.with_key(key);
        }
        if self.idempotent {
            request = request.with("idempotency-key", format!("bench-{number:032}"));
        }
        request
    }
}

/// Returns the CPU time of a process, user and system, in ticks: the 14th and 15th field of `/proc/PID/stat`.
fn cpu_ticks(process: u32) -> anyhow::Result<f64> {
    let stat =
        fs::read_to_string(format!("/proc/{process}/stat")).context("the CPU time needs Linux's /proc")?;
    // `pid (name) state …`, where the name may contain any character.
    let fields = stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect::<Vec<_>>());
    let fields = fields.context("an unknown form of /proc/PID/stat")?;
    let ticks = |place: usize| fields.get(place).and_then(|field| field.parse::<f64>().ok());
    ticks(11).zip(ticks(12)).map(|(user, system)| user + system).context("no CPU time in /proc/PID/stat")
}
