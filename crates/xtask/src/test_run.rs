//! Runs the tests with everything that they need: a PostgreSQL and a WebDriver are found, started or installed.

pub(crate) mod database;
pub(crate) mod local_cluster;
pub(crate) mod ports;
pub(crate) mod supervised;
mod totals;
pub(crate) mod webdriver;

use std::io::{self, BufRead, BufReader, Write};
use std::process::{ExitCode, Stdio};

use anyhow::Context;
use clap::{Args, ValueEnum};

use crate::test_run::totals::Totals;
use crate::workspace::Workspace;

#[derive(Debug, Default, Args)]
pub(crate) struct TestArgs {
    /// Leave tests out that need more than a database
    #[arg(long, value_enum)]
    without: Vec<LeftOut>,
    /// Arguments for `cargo test`; a package among them restricts the tests to it
    #[arg(last = true)]
    args: Vec<String>,
}

/// Tests that can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LeftOut {
    /// The tests of the console in a browser, which need Chromium and its driver
    Browser,
}

impl TestArgs {
    fn leaves_out_browser(&self) -> bool {
        self.without.contains(&LeftOut::Browser)
    }
}

/// The module of the browser tests, in `crates/app/tests/browser`.
const BROWSER_TESTS: &str = "in_browser::";

/// Runs `cargo test` and prints what was left out, then the sum of its summaries as the last line.
pub(crate) fn run(workspace: &Workspace, args: &TestArgs) -> anyhow::Result<ExitCode> {
    let database = database::provide()?;
    let webdriver = if args.leaves_out_browser() { None } else { Some(webdriver::provide()?) };
    let mut cargo = workspace.cargo(&["test"]);
    cargo.args(arguments(args)).env(database::VARIABLE, database.url());
    if let Some(webdriver) = &webdriver {
        cargo.env(webdriver::VARIABLE, webdriver.url());
    }
    let mut cargo = cargo.stdout(Stdio::piped()).spawn().context("cannot run cargo")?;
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
    // The servers are stopped first, so that their output cannot follow the last line.
    drop((database, webdriver));
    if args.leaves_out_browser() {
        writeln!(terminal, "left out: the tests of the console in a browser (--without browser)")?;
    }
    writeln!(terminal, "total: {totals}")?;
    terminal.flush()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Returns the arguments of `cargo test`.
fn arguments(args: &TestArgs) -> Vec<&str> {
    let mut arguments = selection(&args.args);
    arguments.extend(args.args.iter().map(String::as_str));
    if args.leaves_out_browser() {
        if !arguments.contains(&"--") {
            arguments.push("--");
        }
        arguments.extend(["--skip", BROWSER_TESTS]);
    }
    arguments
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

    #[test]
    fn browser_tests_are_skipped_by_their_module_beside_other_arguments() {
        let without = |args: &[&str]| TestArgs {
            without: vec![LeftOut::Browser],
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        };
        let skip = ["--skip", "in_browser::"];
        assert_eq!(arguments(&without(&[])), [&["--workspace", "--no-fail-fast", "--"][..], &skip].concat());
        let given = ["-p", "app", "--no-fail-fast", "--", "--nocapture"];
        assert_eq!(arguments(&without(&given)), [&given[..], &skip].concat());
        assert_eq!(arguments(&TestArgs::default()), ["--workspace", "--no-fail-fast"]);
    }
}
