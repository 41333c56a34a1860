//! Measures what counting and following predictions cost a prediction: CPU time of the server's process for each
//! answer beside that of an earlier release, at a fixed load, in pairs that alternate.

use std::path::PathBuf;

use clap::Args;

use crate::bench::comparison::{Comparison, HEAD, PairArgs, Variant};
use crate::bench::fixed_load::RequestHeaders;
use crate::bench::table::table;
use crate::bench::undertone::{Undertone, UndertoneArgs};
use crate::workspace::Workspace;

#[derive(Debug, Args)]
pub(crate) struct PathArgs {
    #[command(flatten)]
    undertone: UndertoneArgs,
    /// The program to compare with: a release before the feed and the counts
    #[arg(long, value_name = "FILE")]
    baseline: PathBuf,
    #[command(flatten)]
    pairs: PairArgs,
}

/// Without a pass of the relay during the measurement, what remains is the path of a request: the facts of its event
/// and the columns of the outbox.
const WITHOUT_RELAY: &str = "store.relay_interval=86400";

/// Starts both programs, measures them in turn and prints the ratios of their CPU times: of requests alone, and of the
/// whole process, which also sequences, delivers and counts the events of the predictions that it answers with.
pub(crate) fn run(workspace: &Workspace, args: &PathArgs) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for (name, undertone) in [
        ("requests alone", args.undertone.clone().with_setting(WITHOUT_RELAY)),
        ("whole process", args.undertone.clone()),
    ] {
        let earlier = Undertone::prepare(workspace, &undertone.clone().with_program(&args.baseline))?;
        let program = Undertone::prepare(workspace, &undertone)?;
        let (baseline, server) = (earlier.start()?, program.start()?);
        let variant = |name, server| Variant { name, server, headers: RequestHeaders::default() };
        let comparison = Comparison::prepare(&baseline, args.pairs)?;
        rows.push(comparison.compare(&variant("baseline", &baseline), &variant(name, &server))?);
    }
    println!("{}", table(&HEAD, &rows));
    Ok(())
}
