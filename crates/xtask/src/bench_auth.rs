//! Measures what authentication costs a prediction: CPU time of the server's process for each answer, at a fixed load,
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
pub(crate) struct BenchAuthArgs {
    #[command(flatten)]
    undertone: UndertoneArgs,
    /// Another program to compare with, such as an earlier release, both without authentication
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    #[command(flatten)]
    pairs: PairArgs,
}

/// Starts the servers, measures them in turn and prints the ratios of their CPU times.
pub(crate) fn run(workspace: &Workspace, args: &BenchAuthArgs) -> anyhow::Result<()> {
    ensure!(args.undertone.store == "sqlite", "the cost is measured with a SQLite file for each server");
    let program = Undertone::prepare(workspace, &args.undertone)?;
    let secured = Undertone::prepare(workspace, &args.undertone.clone().with_setting("auth.mode=required"))?;
    let (open, required) = (program.start()?, secured.start()?);
    let issue = ["keys", "issue", "--tenant", "default", "--scopes", "predictions:write"];
    let key = secured.command(&required, &issue)?.trim().to_owned();
    let comparison = Comparison::prepare(&open, args.pairs)?;
    let none = Variant { name: "none", server: &open, headers: RequestHeaders::default() };
    let headers = RequestHeaders { api_key: Some(key), ..RequestHeaders::default() };
    let mut rows =
        vec![comparison.compare(&none, &Variant { name: "required", server: &required, headers })?];
    if let Some(program) = &args.baseline {
        let baseline = Undertone::prepare(workspace, &args.undertone.clone().with_program(program))?;
        let server = baseline.start()?;
        let baseline = Variant { name: "baseline", server: &server, headers: RequestHeaders::default() };
        rows.push(comparison.compare(&baseline, &none)?);
    }
    println!("{}", table(&HEAD, &rows));
    Ok(())
}
