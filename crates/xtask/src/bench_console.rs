//! Measures the console in a browser: how soon it is there, and how it fares with a long history and many events.
//! `docs/benchmarks.md` explains what is measured.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use serde_json::json;
use ureq::Agent;

use crate::bench::clients::wait;
use crate::bench::table::table;
use crate::bench::undertone::{Undertone, UndertoneArgs};
use crate::console::{self, Console};
use crate::workspace::Workspace;

#[derive(Debug, Args)]
pub(crate) struct BenchConsoleArgs {
    /// The scenarios to measure [default: all]
    #[arg(value_enum)]
    scenarios: Vec<Scenario>,
    #[command(flatten)]
    undertone: UndertoneArgs,
    /// Starts of the console, each in a new browser
    #[arg(long, default_value_t = 20)]
    starts: u64,
    /// Rows of the history that `scrolling` scrolls through
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// Events per second that arrive in `events`
    #[arg(long, default_value_t = 500)]
    rate: u64,
    /// Seconds of `scrolling` and of `events`
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// The first paint and when the console reacts, with an empty and with a full cache
    Starts,
    /// Memory and frames while a long history is scrolled through
    Scrolling,
    /// Tasks and frames while events arrive
    Events,
}

/// The texts of a batch; the cache answers them after the first.
const BATCH: u64 = 50;

/// Measures the scenarios, each with a service of its own, and prints a table.
pub(crate) fn run(workspace: &Workspace, args: &BenchConsoleArgs) -> anyhow::Result<()> {
    let scenarios = if args.scenarios.is_empty() { Scenario::value_variants() } else { &args.scenarios };
    let console = Console::prepare(workspace)?;
    let undertone = Undertone::prepare(workspace, &args.undertone)?;
    let mut rows = Vec::new();
    for scenario in scenarios {
        let name = scenario.to_possible_value().context("a scenario has no name")?.get_name().to_owned();
        let mut server = undertone.start()?;
        let mut command = console.command(&server);
        let seconds = args.seconds.to_string();
        let lines = match scenario {
            Scenario::Starts => console::run(command.args(["starts", "--times", &args.starts.to_string()])),
            Scenario::Scrolling => {
                console::fill(workspace, &undertone, &server, args.rows)?;
                console::run(command.args(["scrolling", "--seconds", &seconds]))
            }
            Scenario::Events => with_events(server.address(), args.rate, || {
                console::run(command.args(["events", "--seconds", &seconds]))
            }),
        }?;
        server.ensure_running()?;
        let figures = lines.iter().filter_map(|line| line.split_once('\t'));
        rows.extend(figures.map(|(figure, value)| vec![name.clone(), figure.to_owned(), value.to_owned()]));
    }
    println!("{}", table(&["scenario", "figure", "value"], &rows));
    Ok(())
}

/// Calls `measure` while the service stores `rate` predictions a second.
fn with_events<T>(
    address: &str,
    rate: u64,
    measure: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let writer = scope.spawn(|| write(address, rate, &is_over));
        let measured = measure();
        is_over.store(true, Ordering::SeqCst);
        writer.join().map_err(|_panic| anyhow!("the writer panicked"))??;
        measured
    })
}

/// Sends batches of the same texts.
fn write(address: &str, rate: u64, is_over: &AtomicBool) -> anyhow::Result<()> {
    let agent: Agent = Agent::config_builder().timeout_global(Some(Duration::from_mins(1))).build().into();
    let items: Vec<_> = (0..BATCH).map(|n| json!({"text": format!("event {n}")})).collect();
    let (body, url) = (json!({ "items": items }), format!("{address}/api/v1/predictions/batch"));
    let started = Instant::now();
    for sent in 0.. {
        if is_over.load(Ordering::SeqCst) {
            break;
        }
        agent.post(&url).send_json(&body).with_context(|| format!("cannot POST {url}"))?;
        let due = Duration::from_millis((sent + 1) * BATCH * 1000 / rate.max(1));
        wait(due.saturating_sub(started.elapsed()));
    }
    Ok(())
}
