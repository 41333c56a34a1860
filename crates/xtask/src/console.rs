//! The example `console` of `app`, which drives the console in a browser, and the service that it looks at.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::bench::server::Server;
use crate::bench::undertone::Undertone;
use crate::seed::{self, SeedArgs};
use crate::test_run::webdriver::{self, WebDriver};
use crate::workspace::{Build, Workspace};

/// From how many rows on it is worth while to build the program that makes them for release.
const MANY: u64 = 100_000;

/// The browser's side of a running service.
#[derive(Debug)]
pub(crate) struct Console {
    program: PathBuf,
    webdriver: WebDriver,
}

impl Console {
    /// Builds the example and starts the browser's driver.
    pub(crate) fn prepare(workspace: &Workspace) -> anyhow::Result<Self> {
        Ok(Self { program: workspace.build_program(Build::ConsoleDriver)?, webdriver: webdriver::provide()? })
    }

    /// Returns a command of the example for a service; its own arguments follow.
    pub(crate) fn command(&self, server: &Server) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["--url", server.address(), "--webdriver", self.webdriver.url()]);
        command
    }
}

/// Runs a command of the example to its end, and returns the lines of its output.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<Vec<String>> {
    let output = command.stderr(Stdio::inherit()).output().context("cannot run the example console")?;
    ensure!(output.status.success(), "the example console failed: {}", output.status);
    Ok(String::from_utf8(output.stdout)?.lines().map(str::to_owned).collect())
}

/// Adds predictions to a service's store, and counts them for its trends.
pub(crate) fn fill(
    workspace: &Workspace,
    undertone: &Undertone,
    server: &Server,
    rows: u64,
) -> anyhow::Result<()> {
    let build = if rows < MANY { Build::SmallSeed } else { Build::Seed };
    seed::run_built(workspace, build, &SeedArgs::rows_in(rows, undertone.store_of(server)))?;
    undertone.command(server, &["analytics", "rebuild", "--all", "--wait"])?;
    Ok(())
}
