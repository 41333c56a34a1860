//! Measures what the service accepts and refuses: at three times its capacity, beside a tenant that sends a hundred
//! times as much as it may, and of each kind of limit. Start reading at [`run`]; `docs/benchmarks.md` explains what is
//! measured.

mod exactness;
mod neighbor;
mod overload;
mod tenants;

use clap::{Args, ValueEnum};

use crate::bench::server::Server;
use crate::bench::table::{figure_rows, table};
use crate::bench::undertone::{Undertone, UndertoneArgs};
use crate::workspace::Workspace;

#[derive(Debug, Args)]
pub(crate) struct BenchOverloadArgs {
    /// The scenarios to measure [default: all]
    #[arg(value_enum)]
    scenarios: Vec<Scenario>,
    #[command(flatten)]
    undertone: UndertoneArgs,
    /// Seconds for each scenario, beside its preparation
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Clients of `overload`: more than requests can wait in the server at the same time
    #[arg(long, default_value_t = 1_500)]
    clients: usize,
    /// Pairs of measurements of `neighbor`
    #[arg(long, default_value_t = 5)]
    pairs: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// Three times as many requests as the model can serve; half of the clients honor `Retry-After`
    Overload,
    /// A tenant with few requests, alone and beside one that sends a hundred times as many as its limit
    Neighbor,
    /// How many requests, texts, batches and lines of streams their limits allow
    Exactness,
}

/// A scenario's server and settings.
struct Bench<'a> {
    undertone: &'a Undertone,
    server: Server,
    args: &'a BenchOverloadArgs,
}

/// Measures the scenarios, each with its own server, and prints a table.
pub(crate) fn run(workspace: &Workspace, args: &BenchOverloadArgs) -> anyhow::Result<()> {
    let scenarios = if args.scenarios.is_empty() { Scenario::value_variants() } else { &args.scenarios };
    let mut rows = Vec::new();
    for scenario in scenarios {
        let settings = match scenario {
            Scenario::Overload => args.undertone.clone(),
            Scenario::Neighbor | Scenario::Exactness => {
                args.undertone.clone().with_setting("auth.mode=required")
            }
        };
        let undertone = Undertone::prepare(workspace, &settings)?;
        let mut bench = Bench { undertone: &undertone, server: undertone.start()?, args };
        let name = scenario.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        eprintln!("measuring {name} …");
        let figures = match scenario {
            Scenario::Overload => overload::run(&bench),
            Scenario::Neighbor => neighbor::run(&bench)?,
            Scenario::Exactness => exactness::run(&bench)?,
        };
        bench.server.ensure_running()?;
        rows.extend(figure_rows(&name, figures));
    }
    println!("{}", table(&["scenario", "figure", "value"], &rows));
    Ok(())
}
