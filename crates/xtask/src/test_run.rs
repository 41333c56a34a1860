//! Runs the tests with every database that they need: a PostgreSQL is found, started or installed.

pub(crate) mod database;
pub(crate) mod local_cluster;
pub(crate) mod ports;
pub(crate) mod supervised;
mod totals;

use std::io::{self, BufRead, BufReader, Write};
use std::process::{ExitCode, Stdio};

use anyhow::Context;
use clap::Args;

use crate::test_run::totals::Totals;
use crate::workspace::Workspace;

#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// Arguments for `cargo test`; a package among them restricts the tests to it
    #[arg(last = true)]
    pub(crate) args: Vec<String>,
}

/// Runs `cargo test` and prints the sum of its summaries as the last line.
pub(crate) fn run(workspace: &Workspace, args: &[String]) -> anyhow::Result<ExitCode> {
    let database = database::provide()?;
    let mut cargo = workspace
        .cargo(&["test"])
        .args(selection(args))
        .args(args)
        .env(database::VARIABLE, database.url())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run cargo")?;
    let mut totals = Totals::default();
    let output = cargo.stdout.take().context("cargo has no output")?;
    let mut terminal = io::stdout().lock();
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        terminal.write_all(&line)?;
        terminal.write_all(b"\n")?;
        totals.add(&String::from_utf8_lossy(&line));
    }
    let status = cargo.wait()?;
    // The server is stopped first, so that its output cannot follow the last line.
    drop(database);
    writeln!(terminal, "total: {totals}")?;
    terminal.flush()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Returns the arguments of `cargo test` beside `args`: the whole workspace, unless `args` select packages.
fn selection(args: &[String]) -> Vec<&'static str> {
    let mut own = args.iter().map(String::as_str).take_while(|arg| *arg != "--");
    let selects = own.any(|arg| {
        ["-p", "--package", "--workspace", "--all", "--manifest-path"].contains(&arg)
            || arg.starts_with("--package=")
    });
    let mut selection = if selects { Vec::new() } else { vec!["--workspace"] };
    if !args.iter().any(|arg| arg == "--no-fail-fast") {
        selection.push("--no-fail-fast");
    }
    selection
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(args: &[&str]) -> Vec<&'static str> {
        selection(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_whole_workspace_is_tested_unless_a_package_is_selected() {
        assert_eq!(selected(&[]), ["--workspace", "--no-fail-fast"]);
        assert_eq!(selected(&["some_test", "--", "-p"]), ["--workspace", "--no-fail-fast"]);
        assert_eq!(selected(&["-p", "domain"]), ["--no-fail-fast"]);
        assert_eq!(selected(&["--package=domain", "--no-fail-fast"]), Vec::<&str>::new());
    }
}
