use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use serde_json::{Value, json};
use ureq::Agent;

use crate::bench::client::Client;
use crate::bench::clients::{ClientSettings, Pace, Request, ratio, run_clients, wait};
use crate::bench::interval::median_and_interval;
use crate::bench::server::Server;
use crate::bench::table::{Figures, figure_rows, megabytes, table};
use crate::bench::tally::Tally;
use crate::bench::undertone::{Undertone, UndertoneArgs};
use crate::seed::{self, SeedArgs};
use crate::workspace::Workspace;

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    undertone: UndertoneArgs,
    /// Rows that are added to the store before it is measured; 0 if it has enough already
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// Exports of each format, which alternate, and pairs of measurements of the writer
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds for each measurement of the writer
    #[arg(long, default_value_t = 15)]
    seconds: u64,
}

/// The clients that write.
const WRITERS: usize = 16;
/// The share of its maximum at which the writer is measured.
const SHARE: f64 = 0.3;
/// The clients that leave, and after how many bytes.
const LEAVERS: usize = 20;
const LEAVE_AFTER: usize = 1 << 20;
/// The time after which the memory of an ended export is free.
const SETTLED: Duration = Duration::from_secs(3);
/// The pause of a client whose export was refused.
const REFUSED: Duration = Duration::from_millis(50);
/// The longest that an export may take.
const TIMEOUT: Duration = Duration::from_mins(30);

/// Fills a store, measures the exports and the writer in turn, and prints a table.
pub(crate) fn run(workspace: &Workspace, args: &ExportArgs) -> anyhow::Result<()> {
    let undertone = Undertone::prepare(workspace, &args.undertone)?;
    let mut server = undertone.start()?;
    Client::new(server.address()).ensure_stored("Is this prediction stored?")?;
    if args.rows > 0 {
        seed::run(workspace, &SeedArgs::rows_in(args.rows, undertone.store_of(&server)))?;
    }
    let exports = Exports::of(&server);
    let mut rows: Vec<Vec<String>> = Vec::new();
    rows.extend(figure_rows("speed", speed(&exports, &server, args.rounds)?));
    rows.extend(figure_rows("writer", writer(&exports, args)?));
    rows.extend(figure_rows("leavers", leavers(&exports, &server)?));
    server.ensure_running()?;
    println!("{}", table(&["scenario", "figure", "value"], &rows));
    Ok(())
}

/// Exports the whole history of a server.
#[derive(Debug, Clone)]
struct Exports {
    agent: Agent,
    server: String,
}

/// One export.
struct Exported {
    bytes: u64,
    seconds: f64,
    /// What it ends with.
    end: Vec<u8>,
}

impl Exports {
    fn of(server: &Server) -> Self {
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(TIMEOUT));
        Self { agent: config.proxy(None).build().into(), server: server.address().to_owned() }
    }

    /// Begins an export; none if the server refuses it for now.
    fn begin(&self, format: &str) -> anyhow::Result<Option<ureq::http::Response<ureq::Body>>> {
        let route = format!("{}/api/v1/predictions/export?format={format}", self.server);
        let response = self.agent.get(&route).call()?;
        let status = response.status();
        ensure!(status == 200 || status == 503, "GET {route} returned {status}");
        Ok(Some(response).filter(|_| status == 200))
    }

    /// Reads an export to its end.
    fn whole(&self, format: &str) -> anyhow::Result<Exported> {
        let begun = Instant::now();
        let mut response = self.begin(format)?.context("the server refuses an export")?;
        let mut body = response.body_mut().as_reader();
        let (mut buffer, mut end, mut bytes) = (vec![0; 1 << 18], Vec::new(), 0);
        loop {
            let read = body.read(&mut buffer).context("the export broke")?;
            if read == 0 {
                break;
            }
            bytes += read as u64;
            end.extend_from_slice(&buffer[..read]);
            end.drain(..end.len().saturating_sub(TAIL));
        }
        Ok(Exported { bytes, seconds: begun.elapsed().as_secs_f64(), end })
    }
}

/// The bytes of the end of an export that are looked at.
const TAIL: usize = 256;

/// The rows that the last line of an export in JSONL reports.
fn rows_of(exported: &Exported) -> anyhow::Result<u64> {
    let text = String::from_utf8_lossy(&exported.end);
    let last = text.trim_end().rsplit('\n').next().unwrap_or_default();
    let last: Value = serde_json::from_str(last).with_context(|| format!("the last line is {last:?}"))?;
    ensure!(last["done"] == true, "the export is incomplete: {last}");
    last["rows"].as_u64().context("no number of rows")
}

fn median(values: &mut [f64]) -> f64 {
    median_and_interval(values).0
}

/// Measures exports alone: rows and bytes per second, and the server's memory meanwhile.
fn speed(exports: &Exports, server: &Server, rounds: usize) -> anyhow::Result<Figures> {
    let before = server.resident();
    let rows = rows_of(&exports.whole("jsonl")?)?;
    let mut seconds = [Vec::new(), Vec::new()];
    let mut bytes = [0, 0];
    let peak = server.peak_memory();
    for round in 0..rounds {
        eprintln!("export: round {} of {rounds} …", round + 1);
        for (place, format) in ["csv", "jsonl"].into_iter().enumerate() {
            let exported = exports.whole(format)?;
            bytes[place] = exported.bytes;
            seconds[place].push(exported.seconds);
        }
    }
    let peak = peak.bytes();
    let [csv, jsonl] = seconds.map(|mut seconds| median(&mut seconds));
    let rate = |seconds: f64| format!("{:.0}", rows as f64 / seconds);
    let bandwidth = |bytes: u64, seconds: f64| format!("{:.0}", bytes as f64 / 1e6 / seconds);
    Ok(vec![
        ("rows", rows.to_string()),
        ("CSV rows/s", rate(csv)),
        ("CSV MB/s", bandwidth(bytes[0], csv)),
        ("JSONL rows/s", rate(jsonl)),
        ("JSONL MB/s", bandwidth(bytes[1], jsonl)),
        ("resident MB before", megabytes(before)),
        ("most resident MB", megabytes(peak)),
    ])
}

/// Measures a writer at a share of its maximum, alone and beside exports, in pairs that alternate.
fn writer(exports: &Exports, args: &ExportArgs) -> anyhow::Result<Figures> {
    let most = write(exports, args.seconds, Pace::Pause(Duration::ZERO)).answers_per_second();
    let pace = Pace::Fixed { per_second: most * SHARE, honors_retry_after: false };
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    let (mut faults, mut p99) = (Vec::new(), [String::new(), String::new()]);
    for round in 0..args.rounds {
        eprintln!("writer: round {} of {} …", round + 1, args.rounds);
        let tally = write(exports, args.seconds, pace);
        alone.push(tally.answers_per_second());
        p99[0] = tally.p99();
        let tally = beside_exports(exports, || write(exports, args.seconds, pace))?;
        beside.push(tally.answers_per_second());
        p99[1] = tally.p99();
        faults.push(tally.faults());
    }
    let (alone, beside) = (median(&mut alone), median(&mut beside));
    let [p99_alone, p99_beside] = p99;
    Ok(vec![
        ("most answers/s", format!("{most:.0}")),
        ("answers/s at 30%", format!("{alone:.1}")),
        ("answers/s beside exports", format!("{beside:.1}")),
        ("times as many", ratio(beside, alone)),
        ("p99 alone", p99_alone),
        ("p99 beside exports", p99_beside),
        ("faults beside exports", faults.join(", ")),
    ])
}

/// Stores predictions of one text, which the cache answers: the store is what an export shares with the writer.
fn write(exports: &Exports, seconds: u64, pace: Pace) -> Tally {
    let route = format!("{}/api/v1/predictions", exports.server);
    let settings = ClientSettings { clients: WRITERS, timeout: Duration::from_mins(1), pace };
    run_clients(seconds, settings, move |_| {
        Request::post(route.clone(), json!({ "text": "Written beside an export" }))
    })
}

/// Runs `work` while one export follows the other.
fn beside_exports<T>(exports: &Exports, work: impl FnOnce() -> T) -> anyhow::Result<T> {
    let end = Arc::new(AtomicBool::new(false));
    let (ending, exporting) = (Arc::clone(&end), exports.clone());
    let reader = thread::spawn(move || -> anyhow::Result<()> {
        while !ending.load(Ordering::Relaxed) {
            let Some(mut response) = exporting.begin("csv")? else {
                wait(REFUSED);
                continue;
            };
            let (mut body, mut buffer) = (response.body_mut().as_reader(), vec![0; 1 << 18]);
            while !ending.load(Ordering::Relaxed) && body.read(&mut buffer).context("the export broke")? > 0 {
            }
        }
        Ok(())
    });
    let done = work();
    end.store(true, Ordering::Relaxed);
    reader.join().map_err(|_panicked| anyhow::anyhow!("the reader panicked"))??;
    Ok(done)
}

/// Measures the memory that remains of exports whose clients left.
fn leavers(exports: &Exports, server: &Server) -> anyhow::Result<Figures> {
    let before = server.resident();
    for _ in 0..LEAVERS {
        let mut response = loop {
            match exports.begin("jsonl")? {
                Some(response) => break response,
                None => wait(REFUSED),
            }
        };
        let mut some = vec![0; LEAVE_AFTER];
        response.body_mut().as_reader().read_exact(&mut some).context("the export broke")?;
    }
    wait(SETTLED);
    let whole = exports.whole("jsonl")?;
    Ok(vec![
        ("resident MB before", megabytes(before)),
        ("resident MB after 20 clients left", megabytes(server.resident())),
        ("rows of an export afterwards", rows_of(&whole)?.to_string()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_has_the_rows() {
        let exported = |end: &str| Exported { bytes: 0, seconds: 0.0, end: end.as_bytes().to_vec() };
        assert_eq!(rows_of(&exported("…\"}\n{\"done\":true,\"rows\":17}\n")).ok(), Some(17));
        assert!(rows_of(&exported("{\"id\":1}\n")).is_err());
    }
}
