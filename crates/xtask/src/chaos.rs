//! Injects faults into a deployment under load, in random order, and verifies the result: every acknowledged prediction
//! is stored once and unaltered, and every event was published.
//!
//! Two replicas of the program behind HAProxy share one PostgreSQL; 32 clients write, read, delete and list. Start
//! reading at [`run`]; [`faults`] has the faults, [`verification`] the comparison. `docs/chaos.md` explains the output.

mod analytics;
mod api;
mod balancer;
mod deployment;
mod faults;
mod ledger;
mod load;
mod outbox;
mod random;
mod replica;
mod report;
mod silent_proxy;
mod stop_signal;
mod verification;

use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use clap::{Args, Subcommand};

use self::deployment::{Binaries, Deployment};
use self::faults::{Injected, Injector};
use self::ledger::{Kind, Ledger};
use self::load::Client;
use self::random::Random;
use self::report::{Report, Sent};
use self::stop_signal::StopSignal;
use crate::workspace::{Build, Workspace};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct ChaosArgs {
    #[command(subcommand)]
    part: Option<Part>,
    /// The seed of the order of faults and requests, as printed by an earlier run [default: a new one]
    #[arg(long)]
    seed: Option<u64>,
    /// For how long faults are injected; each kind is injected at least once
    #[arg(long, default_value_t = 3.0, value_parser = minutes)]
    minutes: f64,
    /// The program to test, such as an earlier release [default: the release binary, built first]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// The model's folder [default: the bundled model]
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// A setting of the program, such as `model.precision=f32`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Kill the replica that counts predictions again and again, and compare its counts with the predictions
    Analytics(analytics::AnalyticsArgs),
}

fn minutes(text: &str) -> Result<f64, String> {
    let minutes: f64 = text.parse().map_err(|error| format!("{error}"))?;
    if (0.0..=1_440.0).contains(&minutes) { Ok(minutes) } else { Err("must be from 0 to 1440".to_owned()) }
}

/// The streams of random numbers of the two injectors; each client has the stream of its number.
const REPLICA_FAULTS: u64 = 1_000;
const STORE_FAULTS: u64 = 1_001;

/// The number of clients.
const CLIENTS: u64 = 32;

/// Starts a deployment, injects faults, and prints the violations. The exit code is a failure if there are any.
pub(crate) fn run(workspace: &Workspace, args: &ChaosArgs) -> anyhow::Result<ExitCode> {
    if let Some(Part::Analytics(args)) = &args.part {
        return analytics::run(workspace, args);
    }
    let program = match &args.program {
        Some(program) => std::path::absolute(program)?,
        None => workspace.build_program(Build::Release)?,
    };
    let model = args.model.clone().unwrap_or_else(|| workspace.root().join("models/sentiment-minilm-l6"));
    let binaries = Binaries { program, model: std::path::absolute(model)?, settings: args.settings.clone() };
    let seed = args.seed.unwrap_or_else(|| RandomState::new().build_hasher().finish());
    let passed = run_once(workspace, &binaries, seed, Duration::from_secs_f64(args.minutes * 60.0))?;
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Makes one run and returns whether it passed. If not, its logs are copied to a folder.
fn run_once(workspace: &Workspace, binaries: &Binaries, seed: u64, length: Duration) -> anyhow::Result<bool> {
    println!("seed {seed}: {length:.0?} of faults, {CLIENTS} clients");
    let logs = workspace.target()?.join("chaos").join(format!("seed-{seed}"));
    let mut deployment = Deployment::start(binaries)?;
    let report = inject_and_verify(&mut deployment, seed, length);
    if !report.as_ref().is_ok_and(Report::has_passed) {
        deployment.save_logs(&logs)?;
    }
    let report = report.with_context(|| format!("seed {seed}; the logs are in {}", logs.display()))?;
    println!("\n{}", report.tables());
    if report.has_passed() {
        println!("\nseed {seed}: passed");
        return Ok(true);
    }
    fs::write(logs.join("violations.txt"), report.all_violations())?;
    println!("\n{}\nseed {seed}: FAILED; the logs are in {}", report.first_violations(), logs.display());
    Ok(false)
}

/// Sends load and injects faults, then compares.
fn inject_and_verify(deployment: &mut Deployment, seed: u64, length: Duration) -> anyhow::Result<Report> {
    let port = deployment.balancer.port();
    let signal = StopSignal::default();
    let (ledger, injected, unhealthy) = thread::scope(|scope| -> anyhow::Result<_> {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                scope.spawn({
                    let signal = &signal;
                    move || Client::new(number, seed, port).run(signal)
                })
            })
            .collect();
        let _stopped = signal.stop_on_drop();
        let injected = inject(deployment, seed, length, &signal);
        // The clients continue until the deployment has recovered, and what they write meanwhile is compared as well.
        let recovered = injected.and_then(|injected| Ok((injected, deployment.recover()?)));
        signal.stop();
        let ledgers: Result<Vec<Ledger>, _> =
            clients.into_iter().map(thread::ScopedJoinHandle::join).collect();
        let ledger = Ledger::merge(ledgers.map_err(|_| anyhow!("a client panicked"))?);
        let (injected, unhealthy) = recovered?;
        Ok((ledger, injected, unhealthy))
    })?;
    let mut findings = verification::verify(deployment, &ledger.items)?;
    let unhealthy =
        injected.problems.iter().cloned().chain(unhealthy).map(|what| Kind::Unhealthy.violation(what));
    let mut violations: Vec<_> = unhealthy.chain(ledger.violations).collect();
    violations.append(&mut findings.violations);
    violations.sort_by_key(|violation| violation.kind);
    let sent = Sent::count(&ledger.items);
    Ok(Report { injected, tally: ledger.tally, sent, findings, violations })
}

/// Injects faults into the replicas and the store at the same time.
fn inject(
    deployment: &mut Deployment,
    seed: u64,
    length: Duration,
    signal: &StopSignal,
) -> anyhow::Result<Injected> {
    let started = Instant::now();
    let injector = |stream| Injector { random: Random::of_stream(seed, stream), started, length, signal };
    let Deployment { replicas, store, .. } = deployment;
    let (of_store, of_replicas) = thread::scope(|scope| {
        let of_store = scope.spawn(|| injector(STORE_FAULTS).inject_into_store(store));
        let of_replicas = injector(REPLICA_FAULTS).inject_into_replicas(replicas);
        if of_replicas.is_err() {
            signal.stop();
        }
        (of_store.join(), of_replicas)
    });
    let of_store = of_store.map_err(|_| anyhow!("the injector of store faults panicked"))??;
    let mut injected = of_replicas?;
    injected.kinds.extend(of_store.kinds);
    injected.problems.extend(of_store.problems);
    ensure!(!signal.is_stopped(), "the injection of faults was stopped");
    Ok(injected)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn half_a_minute_of_faults_loses_alters_and_doubles_nothing() {
        let workspace = Workspace::new().unwrap();
        // The build that all tests share.
        let program = workspace.build_program(Build::WithTests).unwrap();
        let model = workspace.root().join("models/sentiment-minilm-l6");
        let binaries = Binaries { program, model, settings: Vec::new() };
        // The order is the same every time; `cargo xtask chaos` uses other seeds.
        assert!(
            run_once(&workspace, &binaries, 9, Duration::from_secs(30)).unwrap(),
            "the violations are printed above"
        );
    }

    #[test]
    fn minutes_are_at_most_a_day() {
        assert_eq!(minutes("0.5"), Ok(0.5));
        for wrong in ["-1", "NaN", "1441", "x"] {
            assert!(minutes(wrong).is_err(), "{wrong}");
        }
    }
}
