//! Runs every check, the fast ones first. Nothing is built for release: the tests run the program of the dev profile.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;

use crate::test_run::TestArgs;
use crate::workspace::{Build, Workspace};
use crate::{boundaries, codegen, test_run, tidy};

/// Runs all checks and stops at the first that fails. The tests come last, so that their totals end the output; none of
/// them can be left out here.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    step("format", || cargo(workspace, &["fmt", "--all", "--check"], &[]))?;
    step("boundaries", || boundaries::run(workspace))?;
    step("tidy", || tidy::run(workspace))?;
    // Before anything is compiled: a table with a file that is gone does not compile.
    step("sites", || codegen::static_site::check(workspace))?;
    step("clippy", || {
        cargo(workspace, &["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"], &[])
    })?;
    step("docs", || {
        let args = ["doc", "--workspace", "--no-deps", "--document-private-items"];
        cargo(workspace, &args, &[("RUSTDOCFLAGS", "--deny warnings")])
    })?;
    // Building the program alone would select other features of shared dependencies, and compile them again.
    let program = step("build", || workspace.build_program(Build::WithTests))?;
    step("codegen", || codegen::check(workspace, &program))?;
    eprintln!("── test (the checks before it took {:.1} s)", started.elapsed().as_secs_f64());
    test_run::run(workspace, &TestArgs::default())
}

fn step<T>(name: &str, check: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    eprintln!("── {name}");
    let started = Instant::now();
    let outcome = check().with_context(|| format!("{name} failed"));
    let result = if outcome.is_ok() { "ok" } else { "failed" };
    eprintln!("   {name}: {result} after {:.1} s", started.elapsed().as_secs_f64());
    outcome
}

fn cargo(workspace: &Workspace, args: &[&str], variables: &[(&str, &str)]) -> anyhow::Result<()> {
    let status =
        workspace.cargo(args).envs(variables.iter().copied()).status().context("cannot run cargo")?;
    anyhow::ensure!(status.success(), "cargo {} failed: {status}", args.join(" "));
    Ok(())
}
