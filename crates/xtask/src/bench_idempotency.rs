//! Measures what idempotency keys cost a prediction: CPU time of the server's process for each answer, at a fixed load,
//! in pairs that alternate.

use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;

use crate::bench::comparison::{Comparison, HEAD, PairArgs, Variant};
use crate::bench::fixed_load::RequestHeaders;
use crate::bench::table::table;
use crate::bench::undertone::{Undertone, UndertoneArgs};
use crate::workspace::Workspace;

#[derive(Debug, Args)]
pub(crate) struct BenchIdempotencyArgs {
    #[command(flatten)]
    undertone: UndertoneArgs,
    /// Another program to compare with, such as an earlier release, both without keys
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    #[command(flatten)]
    pairs: PairArgs,
}

/// Starts the servers, measures requests without and with keys in turn and prints the ratios of the CPU times.
pub(crate) fn run(workspace: &Workspace, args: &BenchIdempotencyArgs) -> anyhow::Result<()> {
    let store = args.undertone.store.as_str();
    ensure!(["sqlite", "postgres"].contains(&store), "the cost is measured with a store for each server");
    let program = Undertone::prepare(workspace, &args.undertone)?;
    let server = program.start()?;
    let comparison = Comparison::prepare(&server, args.pairs)?;
    let without = Variant { name: "without", server: &server, headers: RequestHeaders::default() };
    let headers = RequestHeaders { idempotent: true, ..RequestHeaders::default() };
    let mut rows = vec![comparison.compare(&without, &Variant { name: "with", server: &server, headers })?];
    if let Some(program) = &args.baseline {
        let baseline = Undertone::prepare(workspace, &args.undertone.clone().with_program(program))?;
        let server = baseline.start()?;
        let baseline = Variant { name: "baseline", server: &server, headers: RequestHeaders::default() };
        rows.push(comparison.compare(&baseline, &without)?);
    }
    println!("{}", table(&HEAD, &rows));
    Ok(())
}
