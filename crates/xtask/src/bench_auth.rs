//! Measures what authentication costs a prediction: CPU time of the server's process for each answer, at a fixed load,
//! in pairs that alternate.

mod fixed_load;
mod interval;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};
use clap::Args;

use crate::bench::corpus::Corpus;
use crate::bench::load::Load;
use crate::bench::server::Server;
use crate::bench::table::table;
use crate::bench::undertone::{Undertone, UndertoneArgs};
use crate::bench_auth::fixed_load::FixedLoad;
use crate::bench_auth::interval::median_and_interval;
use crate::workspace::Workspace;

#[derive(Debug, Args)]
pub(crate) struct BenchAuthArgs {
    #[command(flatten)]
    undertone: UndertoneArgs,
    /// Another program to compare with, such as an earlier release, both without authentication
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Pairs of measurements
    #[arg(long, default_value_t = 20)]
    pairs: usize,
    /// Seconds for each measurement
    #[arg(long, default_value_t = 4)]
    seconds: u64,
}

/// The share of the most answers per second at which the cost is measured.
const LOAD: f64 = 0.6;

/// A server under test.
struct Variant {
    name: &'static str,
    server: Server,
    key: Option<String>,
    /// It owns the store of the server.
    _undertone: Undertone,
}

/// Starts the servers, measures them in turn and prints the ratios of their CPU times.
pub(crate) fn run(workspace: &Workspace, args: &BenchAuthArgs) -> anyhow::Result<()> {
    ensure!(args.undertone.store == "sqlite", "the cost is measured with a SQLite file for each server");
    let open = start(workspace, "none", &args.undertone, false)?;
    let required = start(workspace, "required", &args.undertone, true)?;
    let corpus = Corpus::read(None)?;
    let most = Load::new(&corpus, 0)?.run(open.server.address(), 16, 5)?.answers_per_second();
    let rate = most * LOAD;
    println!("{} pairs of {} s at {rate:.0} answers/s, 60 % of {most:.0}\n", args.pairs, args.seconds);
    let mut load = FixedLoad::new(corpus, rate, args.seconds);
    let mut rows = vec![compare(&mut load, &open, &required, args.pairs)?];
    if let Some(program) = &args.baseline {
        let settings = UndertoneArgs { program: Some(program.clone()), ..args.undertone.clone() };
        let baseline = start(workspace, "baseline", &settings, false)?;
        rows.push(compare(&mut load, &baseline, &open, args.pairs)?);
    }
    println!("{}", table(&["compared", "CPU ms", "CPU ms", "ratio", "95 % from", "to"], &rows));
    Ok(())
}

fn start(
    workspace: &Workspace,
    name: &'static str,
    args: &UndertoneArgs,
    required: bool,
) -> anyhow::Result<Variant> {
    let mut args = args.clone();
    if required {
        args.settings.push("auth.mode=required".to_owned());
    }
    let undertone = Undertone::prepare(workspace, &args)?;
    let server = undertone.start()?;
    let key = required.then(|| issue_key(&undertone, &server)).transpose()?;
    Ok(Variant { name, server, key, _undertone: undertone })
}

fn issue_key(undertone: &Undertone, server: &Server) -> anyhow::Result<String> {
    let mut command = Command::new(undertone.program());
    command.args(["--store", &undertone.store_of(server), "keys", "issue"]);
    command.args(["--tenant", "default", "--scopes", "predictions:write"]);
    let output = command.output().context("cannot issue a key")?;
    ensure!(output.status.success(), "cannot issue a key: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Measures the two in turn and returns their row: the medians of the CPU time, and of the ratio with its interval.
fn compare(
    load: &mut FixedLoad,
    first: &Variant,
    second: &Variant,
    pairs: usize,
) -> anyhow::Result<Vec<String>> {
    let mut measure = |variant: &Variant| {
        load.cpu_millis_per_answer(variant.server.process(), variant.server.address(), variant.key.as_deref())
    };
    // Caches, connections and the store of each are warm before the first pair.
    measure(first)?;
    measure(second)?;
    let (mut of_first, mut of_second, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for pair in 0..pairs {
        let (one, two) = if pair % 2 == 0 {
            let one = measure(first)?;
            (one, measure(second)?)
        } else {
            let two = measure(second)?;
            (measure(first)?, two)
        };
        of_first.push(one);
        of_second.push(two);
        ratios.push(two / one);
    }
    let (ratio, from, to) = median_and_interval(&mut ratios);
    let millis = |values: &mut Vec<f64>| format!("{:.3}", median_and_interval(values).0);
    Ok(vec![
        format!("{} to {}", first.name, second.name),
        millis(&mut of_first),
        millis(&mut of_second),
        format!("{ratio:.4}"),
        format!("{from:.4}"),
        format!("{to:.4}"),
    ])
}
