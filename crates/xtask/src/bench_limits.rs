//! Measures what clients experience while others overload, disconnect, scan or stall: in each scenario a well-behaved
//! load alone, then the same load beside a badly behaved one. Start reading at [`run`]; `docs/benchmarks.md` explains
//! what is measured.

mod bodies;
mod bulk;
mod leavers;
mod scans;
mod stalled;

use clap::{Args, ValueEnum};

use crate::bench::client::Client;
use crate::bench::server::Server;
use crate::bench::table::{figure_rows, table};
use crate::bench::undertone::{Undertone, UndertoneArgs};
use crate::workspace::Workspace;

#[derive(Debug, Args)]
pub(crate) struct BenchLimitsArgs {
    /// The scenarios to measure [default: all]
    #[arg(value_enum)]
    scenarios: Vec<Scenario>,
    #[command(flatten)]
    undertone: UndertoneArgs,
    /// Seconds for each phase
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Rows that `scans` adds to the store before it measures; 0 if it has enough already
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// More clients than the model can serve, which disconnect after a second and retry
    Leavers,
    /// Ten bodies at a time, as large as allowed and as expensive to parse as possible
    Bodies,
    /// Streams and batches of long texts beside single short ones
    Bulk,
    /// Lists that have to read the whole history
    Scans,
    /// A thousand connections that send a byte per second, and a thousand that never read
    Stalled,
}

/// A scenario's server and settings.
#[derive(Debug)]
struct Bench {
    server: Server,
    seconds: u64,
    rows: u64,
}

/// Measures the scenarios, each with its own server, and prints a table.
pub(crate) fn run(workspace: &Workspace, args: &BenchLimitsArgs) -> anyhow::Result<()> {
    let scenarios = if args.scenarios.is_empty() { Scenario::value_variants() } else { &args.scenarios };
    let mut rows = Vec::new();
    for scenario in scenarios {
        // Each has its own store, which is removed with it.
        let undertone = Undertone::prepare(workspace, &args.undertone)?;
        let server = undertone.start()?;
        Client::new(server.address()).ensure_stored("Is this prediction stored?")?;
        let mut bench = Bench { server, seconds: args.seconds, rows: args.rows };
        let name = scenario.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        eprintln!("measuring {name} …");
        let figures = match scenario {
            Scenario::Leavers => leavers::run(&bench),
            Scenario::Bodies => bodies::run(&bench),
            Scenario::Bulk => bulk::run(&bench)?,
            Scenario::Scans => scans::run(workspace, &undertone, &bench)?,
            Scenario::Stalled => stalled::run(&bench)?,
        };
        bench.server.ensure_running()?;
        rows.extend(figure_rows(&name, figures));
    }
    println!("{}", table(&["scenario", "figure", "value"], &rows));
    Ok(())
}
