use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::json;
use ureq::Agent;

use crate::bench::corpus::Corpus;
use crate::bench::load::route;

/// Clients that send texts at fixed times, whatever the responses: the server's load is the same in each measurement.
pub(super) struct FixedLoad {
    corpus: Arc<Corpus>,
    /// Requests per second.
    rate: f64,
    time: Duration,
    /// The number of the next text; none is sent twice.
    next: Arc<AtomicU64>,
}

/// The connections that share the load.
const CLIENTS: u32 = 16;

/// The unit of the times in `/proc/PID/stat`, which Linux fixes at a hundredth of a second.
const TICK_MS: f64 = 10.0;

impl FixedLoad {
    pub(super) fn new(corpus: Corpus, rate: f64, seconds: u64) -> Self {
        let (corpus, time) = (Arc::new(corpus), Duration::from_secs(seconds));
        // The texts before were sent to find the rate.
        Self { corpus, rate, time, next: Arc::new(AtomicU64::new(1 << 32)) }
    }

    /// Sends the load and returns the CPU time of the process, user and system, for each answer in milliseconds.
    pub(super) fn cpu_millis_per_answer(
        &mut self,
        process: u32,
        address: &str,
        key: Option<&str>,
    ) -> anyhow::Result<f64> {
        let before = cpu_ticks(process)?;
        let (route, started) = (route(address), Instant::now());
        let clients: Vec<_> = (0..CLIENTS).map(|client| self.client(client, &route, key, started)).collect();
        let mut answers = 0;
        for client in clients {
            answers += client.join().map_err(|_| anyhow::anyhow!("a client panicked"))??;
        }
        ensure!(answers > 0, "no answers");
        Ok((cpu_ticks(process)? - before) * TICK_MS / f64::from(answers))
    }

    /// Starts a client that sends its share; returns the number of its answers.
    fn client(
        &self,
        client: u32,
        route: &str,
        key: Option<&str>,
        started: Instant,
    ) -> thread::JoinHandle<anyhow::Result<u32>> {
        let (corpus, next) = (Arc::clone(&self.corpus), Arc::clone(&self.next));
        let (route, key, time) = (route.to_owned(), key.map(str::to_owned), self.time);
        let interval = Duration::from_secs_f64(f64::from(CLIENTS) / self.rate);
        thread::spawn(move || {
            let agent: Agent = Agent::config_builder().proxy(None).build().into();
            let mut answers = 0;
            let mut due = interval * client / CLIENTS;
            while due < time {
                pause(due.saturating_sub(started.elapsed()));
                let text = corpus.text(next.fetch_add(1, Ordering::Relaxed));
                let mut request = agent.post(&route);
                if let Some(key) = &key {
                    request = request.header("authorization", format!("Bearer {key}"));
                }
                request.send_json(json!({ "text": text }))?.body_mut().read_to_vec()?;
                answers += 1;
                due += interval;
            }
            Ok(answers)
        })
    }
}

fn pause(time: Duration) {
    #[expect(clippy::disallowed_methods, reason = "requests are sent at fixed times")]
    thread::sleep(time);
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
