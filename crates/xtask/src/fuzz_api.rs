//! Sends requests that schemathesis generates from the served OpenAPI document, and looks for server errors and for
//! responses that the document does not describe. Not part of `ci`.

mod server;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;

use crate::fuzz_api::server::Server;
use crate::python;
use crate::workspace::{Build, Workspace};

#[derive(Debug, Args)]
pub(crate) struct FuzzApiArgs {
    /// A running server [default: the program, built and started with an empty store]
    #[arg(long)]
    url: Option<String>,
    /// The maximum number of generated requests per operation
    #[arg(long, default_value_t = 60)]
    max_examples: u32,
    /// The seed of an earlier run, to repeat it
    #[arg(long)]
    seed: Option<u128>,
}

const SCHEMATHESIS: &str = "4.32.5";

/// How schemathesis serializes media types that it does not know.
const HOOKS: &str = include_str!("fuzz_api/hooks.py");

/// How long a server may take to be ready.
const START: Duration = Duration::from_mins(2);

/// The checks of every response.
const CHECKS: &str =
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";

/// Runs schemathesis.
///
/// # Errors
/// When it cannot run, or when the server has ended meanwhile; failed checks are a failing exit code.
pub(crate) fn run(workspace: &Workspace, args: &FuzzApiArgs) -> anyhow::Result<ExitCode> {
    let name = format!("schemathesis-{SCHEMATHESIS}");
    let programs = python::environment(workspace, &name, &format!("schemathesis=={SCHEMATHESIS}\n"))?;
    let schemathesis = programs.join("schemathesis");
    let mut server = match &args.url {
        Some(_) => None,
        None => Some(Server::start(workspace, &workspace.build_program(Build::Program)?)?),
    };
    let url = server.as_ref().map(Server::url).or_else(|| args.url.clone()).unwrap_or_default();
    let url = url.trim_end_matches('/');
    wait_until_ready(url)?;
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("hooks.py"), HOOKS)?;
    let mut command = schemathesis_run(&schemathesis, url, args);
    // It writes files to its working directory, and imports its hooks from there.
    command.current_dir(folder.path()).env("PYTHONPATH", folder.path()).env("SCHEMATHESIS_HOOKS", "hooks");
    let status = command.status().context("cannot run schemathesis")?;
    if let Some(server) = &mut server {
        server.ensure_running()?;
    }
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn schemathesis_run(program: &Path, url: &str, args: &FuzzApiArgs) -> Command {
    let mut command = Command::new(program);
    command.args(["run", &format!("{url}/openapi.json"), "--checks", CHECKS]);
    command.args(["--max-examples", &args.max_examples.to_string(), "--continue-on-failure"]);
    command.args([
        "--request-timeout",
        "30",
        "--generation-database",
        "none",
        "--suppress-health-check",
        "all",
    ]);
    if let Some(seed) = args.seed {
        command.args(["--seed", &seed.to_string()]);
    }
    command
}

/// Waits until the model is loaded: until then most requests correctly return 503.
fn wait_until_ready(url: &str) -> anyhow::Result<()> {
    let started = Instant::now();
    while let Err(error) = ureq::get(format!("{url}/health/ready")).call() {
        ensure!(started.elapsed() < START, "{url} is not ready after {START:?}: {error}");
        #[expect(clippy::disallowed_methods, reason = "no event says that another program is ready")]
        thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}
