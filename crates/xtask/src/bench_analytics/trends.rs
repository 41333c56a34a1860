use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use serde_json::Value;
use ureq::Agent;

use crate::bench::table::{millis, table};
use crate::bench::undertone::{Undertone, UndertoneArgs};
use crate::workspace::Workspace;

#[derive(Debug, Args)]
pub(crate) struct TrendsArgs {
    #[command(flatten)]
    undertone: UndertoneArgs,
    /// Requests of each kind
    #[arg(long, default_value_t = 200)]
    requests: usize,
}

/// What fills the tables, for each store.
const SQLITE: &str = include_str!("trends/sqlite.sql");
const POSTGRES: &str = include_str!("trends/postgres.sql");

/// The range of the rollups.
const RANGE: &str = "from=2026-01-01T00:00:00Z&to=2026-04-01T00:00:00Z";

/// What is asked: its name and its query.
const QUESTIONS: [(&str, &str); 5] = [
    ("1h", "trends?bucket=1h&by=sentiment"),
    ("1h, one value", "trends?bucket=1h&by=sentiment&metadata.channel=v42"),
    ("1h, one model", "trends?bucket=1h&by=sentiment&model=bench-a"),
    ("1h, New York", "trends?bucket=1h&by=sentiment&tz=America/New_York"),
    ("1d, Berlin", "trends?bucket=1d&by=sentiment&tz=Europe/Berlin"),
];

/// How long the program may take to begin counting.
const COUNTING_WITHIN: Duration = Duration::from_mins(1);

/// Fills the tables of a started program, and prints how long it takes to answer.
pub(crate) fn run(workspace: &Workspace, args: &TrendsArgs) -> anyhow::Result<()> {
    let dimensions = r#"analytics.dimensions=["channel"]"#;
    let undertone = Undertone::prepare(workspace, &args.undertone.clone().with_setting(dimensions))?;
    let mut server = undertone.start()?;
    let base = format!("{}/api/v1/analytics", server.address());
    let agent: Agent = Agent::config_builder().timeout_global(Some(Duration::from_mins(1))).build().into();
    // Before its first run, the projector would count the rollups again that no prediction explains.
    await_counting(&agent, &base)?;
    eprintln!("filling the tables …");
    fill(&undertone.store_of(&server))?;
    let mut rows = Vec::new();
    for (name, query) in QUESTIONS {
        let url = format!("{base}/{query}&{RANGE}");
        let body = get(&agent, &url)?;
        let total = total(&body)?;
        ensure!(total > 0, "GET {url} counts nothing");
        let mut times = Vec::with_capacity(args.requests);
        for _ in 0..args.requests {
            let started = Instant::now();
            get(&agent, &url)?;
            times.push(u64::try_from(started.elapsed().as_micros())?);
        }
        times.sort_unstable();
        let at = |percent: usize| {
            times.get(times.len() * percent / 100).map_or_else(String::new, |time| millis(*time))
        };
        rows.push(vec![name.to_owned(), total.to_string(), body.len().to_string(), at(50), at(95)]);
    }
    server.ensure_running()?;
    println!("{}", table(&["trends", "predictions", "bytes", "p50 (ms)", "p95 (ms)"], &rows));
    Ok(())
}

fn get(agent: &Agent, url: &str) -> anyhow::Result<String> {
    let mut response = agent.get(url).call().with_context(|| format!("cannot GET {url}"))?;
    Ok(response.body_mut().with_config().limit(64 << 20).read_to_string()?)
}

/// The predictions of all buckets.
fn total(body: &str) -> anyhow::Result<u64> {
    let body: Value = serde_json::from_str(body)?;
    let buckets = body["buckets"].as_array().context("the answer has no buckets")?;
    Ok(buckets.iter().filter_map(|bucket| bucket["total"].as_u64()).sum())
}

fn await_counting(agent: &Agent, base: &str) -> anyhow::Result<()> {
    let started = Instant::now();
    while started.elapsed() < COUNTING_WITHIN {
        let body: Value = serde_json::from_str(&get(agent, &format!("{base}/trends"))?)?;
        if body["complete_until"].is_string() {
            return Ok(());
        }
        #[expect(clippy::disallowed_methods, reason = "no event says that another program counts")]
        thread::sleep(Duration::from_millis(100));
    }
    anyhow::bail!("the program counts nothing")
}

/// Runs the statements on the store with its own client.
fn fill(store: &str) -> anyhow::Result<()> {
    let (mut command, statements) = if let Some(file) = store.strip_prefix("sqlite:") {
        let mut command = Command::new("sqlite3");
        command.args(["-bail", file]);
        (command, SQLITE)
    } else {
        let mut command = Command::new("psql");
        command.args(["--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", store]);
        (command, POSTGRES)
    };
    let name = command.get_program().to_string_lossy().into_owned();
    let client = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
    let mut client = client.with_context(|| format!("cannot run {name}"))?;
    client.stdin.take().context("the client reads no statements")?.write_all(statements.as_bytes())?;
    let status = client.wait()?;
    ensure!(status.success(), "{name} failed: {status}");
    Ok(())
}
