//! Generated requests against the served `OpenAPI` document: schemathesis, in a Python environment of its own,
//! looks for server errors and for answers that the document does not announce. Not part of `ci`.

mod served;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;

use crate::fuzz_api::served::Served;
use crate::python;
use crate::workspace::{Build, Workspace};

#[derive(Debug, Args)]
pub(crate) struct FuzzApiArgs {
    /// A server that runs already [default: the program, built and started with an empty store]
    #[arg(long)]
    url: Option<String>,
    /// The most generated requests an operation
    #[arg(long, default_value_t = 60)]
    max_examples: u32,
    /// The seed of a run that is to be repeated
    #[arg(long)]
    seed: Option<u64>,
}

const SCHEMATHESIS: &str = "4.32.5";

/// How it writes what it does not know.
const HOOKS: &str = include_str!("fuzz_api/hooks.py");

/// How long a server may take to be ready.
const PATIENCE: Duration = Duration::from_mins(2);

/// What must hold of every answer.
const CHECKS: &str =
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";

/// Fails where a check fails, or where the server is gone afterwards.
pub(crate) fn run(workspace: &Workspace, args: &FuzzApiArgs) -> anyhow::Result<ExitCode> {
    let name = format!("schemathesis-{SCHEMATHESIS}");
    let programs = python::environment(workspace, &name, &format!("schemathesis=={SCHEMATHESIS}\n"))?;
    let schemathesis = programs.join("schemathesis");
    let mut served = match &args.url {
        Some(_) => None,
        None => Some(Served::start(workspace, &workspace.build_program(Build::Program)?)?),
    };
    let url = served.as_ref().map(Served::url).or_else(|| args.url.clone()).unwrap_or_default();
    let url = url.trim_end_matches('/');
    wait_until_ready(url)?;
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("hooks.py"), HOOKS)?;
    let mut command = schemathesis_run(&schemathesis, url, args);
    // It leaves notes where it runs, and finds its hooks there.
    command.current_dir(folder.path()).env("PYTHONPATH", folder.path()).env("SCHEMATHESIS_HOOKS", "hooks");
    let status = command.status().context("schemathesis cannot be run")?;
    if let Some(served) = &mut served {
        served.ensure_running()?;
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

/// Waits for the model to be loaded: until then the honest answer to most requests is a 503.
fn wait_until_ready(url: &str) -> anyhow::Result<()> {
    let started = Instant::now();
    while let Err(error) = ureq::get(format!("{url}/health/ready")).call() {
        ensure!(started.elapsed() < PATIENCE, "{url} is not ready after {PATIENCE:?}: {error}");
        #[expect(
            clippy::disallowed_methods,
            reason = "another program starts, and tells nobody when it is ready"
        )]
        thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}
